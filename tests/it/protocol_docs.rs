//! The tables of `docs/protocol.md` are those of the code.

use bindery::pdu::{CommandId, CommandStatus, Quirk, States, TlvKind, TlvTag};

type Table = fn() -> String;

const TABLES: &[(&str, Table)] = &[
    ("leniency", leniency),
    ("commands", commands),
    ("fields", fields),
    ("tlvs", tlvs),
    ("statuses", statuses),
];

fn table(head: &str, rows: impl IntoIterator<Item = String>) -> String {
    let columns = head.matches('|').count() - 1;
    let rule = format!("|{}", "---|".repeat(columns));
    [head.to_owned(), rule]
        .into_iter()
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n")
}

fn leniency() -> String {
    let rows = Quirk::ALL.iter().map(|quirk| {
        let outcome = if quirk.is_harmless() {
            "tolerated"
        } else {
            "repaired"
        };
        format!("| `{quirk}` | {outcome} | {} |", quirk.description())
    });
    table("| Switch | Outcome | What comes in; how it is read |", rows)
}

fn states(states: States) -> String {
    let names = [
        (States::OPEN, "OPEN"),
        (States::OUTBOUND, "OUTBOUND"),
        (States::TX, "TX"),
        (States::RX, "RX"),
        (States::TRX, "TRX"),
        (States::UNBOUND, "UNBOUND"),
    ];
    match states {
        States::ANY => "any".to_owned(),
        States::NONE => "–".to_owned(),
        _ => {
            let names: Vec<_> = names
                .into_iter()
                .filter_map(|(state, name)| states.contains(state).then_some(name))
                .collect();
            names.join(", ")
        }
    }
}

fn version(version: Option<bindery::pdu::InterfaceVersion>) -> &'static str {
    match version.and_then(|version| version.name()) {
        Some("V3_3") => "3.3",
        Some("V3_4") => "3.4",
        Some("V5_0") => "5.0",
        other => panic!("no column text for {other:?}"),
    }
}

fn commands() -> String {
    let rows = CommandId::ALL.iter().map(|id| {
        format!(
            "| 0x{:08X} | `{id}` | {} | {} | {} | {} |",
            id.value(),
            version(id.since()),
            states(id.esme_states()),
            states(id.smsc_states()),
            id.description(),
        )
    });
    table(
        "| command_id | Name | Since | ESME sends in | Message centre sends in | |",
        rows,
    )
}

fn fields() -> String {
    let with_fields = CommandId::ALL.iter().filter(|id| !id.fields().is_empty());
    let tables = with_fields.map(|id| {
        let rows = id
            .fields()
            .iter()
            .map(|row| format!("| `{}` | {} | {} |", row.name, row.form, row.description));
        format!("#### {id}\n\n{}", table("| Field | Form | |", rows))
    });
    tables.collect::<Vec<_>>().join("\n\n")
}

fn tlvs() -> String {
    let rows = TlvTag::ALL.iter().map(|tag| {
        let shape = tag.shape().unwrap();
        let kind = match shape.kind {
            TlvKind::Integer => "integer",
            TlvKind::Text => "C-octet string",
            TlvKind::Octets if shape.only_ends => "integer or octets",
            TlvKind::Octets => "octets",
        };
        let repeats = if tag.may_repeat() { "yes" } else { "" };
        let (name, since) = (tag.name().unwrap(), version(tag.since()));
        format!(
            "| 0x{:04X} | `{name}` | {kind} | {shape} | {since} | {repeats} | {} |",
            tag.value(),
            tag.description()
        )
    });
    table("| Tag | Name | Form | Length | Since | Repeats | |", rows)
}

fn statuses() -> String {
    let rows = CommandStatus::ALL.iter().map(|status| {
        format!(
            "| 0x{:08X} | `{status}` | {:?} | {} |",
            status.value(),
            status.class(),
            status.meaning()
        )
    });
    table("| Value | Name | Class | Meaning |", rows)
}

/// The page with every table as the code has it.
fn regenerated(page: &str) -> String {
    TABLES.iter().fold(page.to_owned(), |page, (name, table)| {
        let start = format!("<!-- {name} -->\n");
        let (before, rest) = page
            .split_once(&start)
            .unwrap_or_else(|| panic!("no place for {name}"));
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        format!("{before}{start}\n{}\n\n<!-- end -->{after}", table())
    })
}

#[test]
fn the_tables_of_the_page_are_those_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol.md");
    let page = std::fs::read_to_string(path).unwrap();
    let expected = regenerated(&page);
    if std::env::var_os("BINDERY_BLESS").is_some() {
        std::fs::write(path, expected).unwrap();
        return;
    }
    let difference = page.lines().zip(expected.lines()).find(|(old, new)| old != new);
    assert!(
        page == expected,
        "docs/protocol.md differs, BINDERY_BLESS=1 writes it anew: {difference:?}"
    );
}
