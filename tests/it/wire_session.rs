//! A live session reads every PDU vector as `pdu decode` does, and answers it as `pdu decode` says.

use bindery::cli::pdu_json::decode_line;
use bindery::pdu::{CommandId, CommandStatus, Header, PduView, Quirk, View};
use bindery::session::{CloseCause, Event, Response, Violation};
use serde_json::{Map, Value, json};

use crate::conformance_pdu;
use crate::peer::{Live, only_header};
use crate::vectors::{self, hex};

/// Fields and raw TLVs of a body in the words of the filter.
fn in_words(header: Header, body: PduView<'_>, frame: &[u8], seen: &Value) -> (Value, Value) {
    let tlvs = body
        .tlvs()
        .iter()
        .map(|(tag, value)| json!({ "tag": format!("0x{:04x}", tag.value()), "hex": hex(value) }))
        .collect();
    let view = View {
        header,
        body,
        faults: bindery::pdu::Faults::NONE,
        body_absent: seen.get("body_absent").is_some(),
    };
    let fields: Map<_, _> = view
        .placed_fields(frame)
        .into_iter()
        .map(|placed| (placed.field.name.to_owned(), vectors::value(placed.field.value)))
        .collect();
    (fields.into(), tlvs)
}

/// The leniency switches that the filter says were needed, in the order of the table.
fn switches(seen: &Value) -> Vec<&str> {
    let named: Vec<_> = [&seen["faults"], &seen["tolerated"]]
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let all = Quirk::ALL.iter().map(|quirk| quirk.name());
    all.filter(|name| named.contains(name)).collect()
}

/// The body of an event; none where the session itself takes the PDU.
fn body_of<'f>(event: Option<&Event<'f, &'static str>>) -> Option<PduView<'f>> {
    match event {
        Some(
            Event::Request { body, .. }
            | Event::Notice { body, .. }
            | Event::Answered {
                response: Response::Pdu(body),
                ..
            },
        ) => Some(*body),
        _ => None,
    }
}

/// What the filter reads, the session reads too.
fn check_read(title: &str, live: &mut Live, header: Header, frame: &[u8], seen: &Value) {
    let event = live.session.handle_frame(frame, live.now);
    if let Some(body) = body_of(event.as_ref()) {
        let (fields, tlvs) = in_words(header, body, frame, seen);
        assert_eq!(fields, seen["fields"], "{title}");
        assert_eq!(tlvs, conformance_pdu::raw_tlvs(&seen["tlvs"]), "{title}");
    } else {
        let is_taken = match header.command_id {
            CommandId::ENQUIRE_LINK | CommandId::ENQUIRE_LINK_RESP => event.is_none(),
            CommandId::UNBIND => event == Some(Event::PeerUnbinds),
            CommandId::UNBIND_RESP => event == Some(Event::Unbound),
            CommandId::GENERIC_NACK => matches!(
                event,
                Some(Event::Answered {
                    response: Response::Nack,
                    ..
                })
            ),
            _ => matches!(event, Some(Event::Bound { .. } | Event::BindRefused { .. })),
        };
        // No request of ours has such a number, so nothing waits for the answer.
        let unsolicited = header.command_id.is_response() && !header.sequence_number.is_conformant();
        assert!(is_taken || unsolicited, "{title}: {event:?}");
        if !is_taken {
            return;
        }
    }
    let counted = Quirk::ALL.iter().map(|quirk| (quirk, live.session.uses(*quirk)));
    let counted: Vec<_> = counted.filter(|(_, n)| *n > 0).collect();
    assert!(counted.iter().all(|(_, n)| *n == 1), "{title}: {counted:?}");
    let counted: Vec<_> = counted.into_iter().map(|(quirk, _)| quirk.name()).collect();
    assert_eq!(counted, switches(seen), "{title}");
}

/// What the filter refuses, the session answers with the status that the filter prints.
fn check_refused(title: &str, live: &mut Live, header: Header, frame: &[u8], seen: &Value) {
    let event = live.session.handle_frame(frame, live.now);
    let unknown = seen["outcome"] == "unknown_command";
    match event {
        Some(Event::Violation { violation, .. }) if unknown => {
            assert_eq!(violation, Violation::UnknownCommand, "{title}");
        }
        Some(
            Event::Unreadable { error, .. }
            | Event::Answered {
                response: Response::Unreadable(error),
                ..
            },
        ) if !unknown => {
            let ours = json!({
                "field": error.field,
                "offset": error.offset,
                "problem": error.kind.to_string(),
                "command_status": error.answer_status().value(),
            });
            assert_eq!(ours, seen["error"], "{title}");
        }
        Some(Event::Bound { .. } | Event::BindRefused { .. }) if !unknown => {}
        other => panic!("{title}: {other:?}"),
    }
    let output = live.written();
    if header.command_id.is_response() {
        assert!(output.is_empty(), "{title}: a response was answered");
    } else if header.command_id.response().is_some() || unknown {
        let answer = only_header(&output);
        let id = header.command_id.response().unwrap_or(CommandId::GENERIC_NACK);
        assert_eq!(answer.command_id, id, "{title}");
        assert_eq!(answer.sequence_number, header.sequence_number, "{title}");
        assert_eq!(
            json!(answer.command_status.value()),
            seen["error"]["command_status"],
            "{title}"
        );
        if unknown {
            assert_eq!(answer.command_status, CommandStatus::ESME_RINVCMDID, "{title}");
        }
    }
}

/// Feeds the first PDU of `octets` to a session that waits for it. Gives what the filter made of it.
fn check(title: &str, octets: &[u8]) -> String {
    let seen = decode_line(&hex(octets));
    let outcome = seen["outcome"].as_str().unwrap().to_owned();
    let header = Header::peek(octets);
    let mut live = Live::waiting_for(header);
    let before = live.session.state();
    match (live.cut(octets), outcome.as_str(), header) {
        (Err(error), "fatal", _) => {
            assert_eq!(
                live.session.wants_close(),
                Some(CloseCause::Framing(error)),
                "{title}"
            );
            let answer = only_header(&live.written());
            assert_eq!(answer.command_id, CommandId::GENERIC_NACK, "{title}");
            assert_eq!(
                json!(answer.command_status.value()),
                seen["error"]["command_status"],
                "{title}"
            );
            return outcome;
        }
        (Ok(None), "need_more", _) => {
            assert_eq!(
                (live.session.wants_close(), live.written()),
                (None, vec![]),
                "{title}"
            );
        }
        (Ok(Some(frame)), "accept" | "lenient", Some(header)) => {
            check_read(title, &mut live, header, frame, &seen);
        }
        (Ok(Some(frame)), "reject" | "unknown_command", Some(header)) => {
            check_refused(title, &mut live, header, frame, &seen);
            let is_about_the_bind = !before.is_bound();
            assert!(is_about_the_bind || live.session.state() == before, "{title}");
        }
        other => panic!("{title}: {other:?}"),
    }
    if live.session.wants_close().is_none() {
        assert!(live.reads_the_next_pdu(), "{title}: out of step");
    }
    outcome
}

#[test]
fn a_live_session_reads_our_vectors_as_the_filter_does() {
    let mut outcomes: Vec<_> = vectors::all()
        .iter()
        .map(|(title, octets)| check(title, octets))
        .collect();
    outcomes.sort_unstable();
    outcomes.dedup();
    assert_eq!(
        outcomes,
        [
            "accept",
            "fatal",
            "lenient",
            "need_more",
            "reject",
            "unknown_command"
        ]
    );
}

#[test]
fn a_live_session_reads_the_vectors_of_others_as_the_filter_does() {
    for vector in conformance_pdu::vectors().into_iter().flatten() {
        let mut octets = conformance_pdu::octets(&vector);
        let title = vector["id"].as_str().unwrap();
        // A stream is its PDUs one after another.
        loop {
            check(title, &octets);
            let length = Header::peek(&octets).map_or(0, |header| header.command_length as usize);
            if length < Header::LENGTH || length >= octets.len() {
                break;
            }
            octets.drain(..length);
        }
    }
}
