//! What carriers demand: statuses of their own.

use super::mistakes::assert_mistakes;
use super::*;
use crate::pdu::{StatusClass, StatusClasses};

#[test]
fn statuses_get_a_class_by_name_or_number() {
    let classes = |classes: &[(u32, StatusClass)]| -> StatusClasses {
        let classes = classes.iter();
        classes
            .map(|(status, class)| (CommandStatus::new(*status), *class))
            .collect()
    };
    let cases = [
        ("", classes(&[])),
        (
            "statuses = { 0x401 = \"throttle\" }",
            classes(&[(0x401, StatusClass::Throttle)]),
        ),
        (
            "[binds.a-1.statuses]\n\"0x0000040B\" = \"bind-retry\"\n1026 = \"queue-full\"\nESME_RINVDSTADR = \"retryable\"",
            classes(&[
                (0x0B, StatusClass::Retryable),
                (0x402, StatusClass::QueueFull),
                (0x40B, StatusClass::BindRetry),
            ]),
        ),
        (
            "statuses.ESME_RALYBND = \"bind-fatal\"\nstatuses.ESME_RSYSERR = \"permanent\"\nstatuses.ESME_RBINDFAIL = \"session\"",
            classes(&[
                (0x05, StatusClass::BindFatal),
                (0x08, StatusClass::Permanent),
                (0x0D, StatusClass::Session),
            ]),
        ),
    ];
    for (keys, expected) in cases {
        let bind = bind_with(keys);
        assert_eq!(bind, smallest().statuses(expected.clone()), "{keys}");
        assert_eq!(bind.session().statuses, expected, "{keys}");
    }
}

/// Each is put behind the smallest bind, so that its first line is line 5 of the file.
const MISTAKES: &[(&str, &str)] = &[
    (
        "statuses = \"throttle\"",
        "5: binds.a-1.statuses: must be a table of statuses, such as { 0x401 = \"throttle\" }, not \"throttle\"",
    ),
    (
        "[binds.a-1.statuses]\n0x401 = \"slow\"",
        "6: binds.a-1.statuses.0x401: must be \"throttle\", \"queue-full\", \"retryable\", \"permanent\", \"session\", \"bind-retry\" or \"bind-fatal\", not \"slow\"",
    ),
    (
        "[binds.a-1.statuses]\n0x401 = 1",
        "6: binds.a-1.statuses.0x401: must be \"throttle\", \"queue-full\", \"retryable\", \"permanent\", \"session\", \"bind-retry\" or \"bind-fatal\", not 1",
    ),
    (
        "[binds.a-1.statuses]\nESME_RTHROTLED = \"throttle\"",
        "6: binds.a-1.statuses.ESME_RTHROTLED: the key must be the name of a status or its number, such as ESME_RSYSERR or 0x401, but not that of success",
    ),
    (
        "[binds.a-1.statuses]\n0x100000000 = \"throttle\"",
        "6: binds.a-1.statuses.0x100000000: the key must be the name of a status or its number, such as ESME_RSYSERR or 0x401, but not that of success",
    ),
    (
        "[binds.a-1.statuses]\nESME_ROK = \"permanent\"",
        "6: binds.a-1.statuses.ESME_ROK: the key must be the name of a status or its number, such as ESME_RSYSERR or 0x401, but not that of success",
    ),
    (
        "[binds.a-1.statuses]\n0x401 = \"throttle\"\n1025 = \"permanent\"",
        "7: binds.a-1.statuses.1025: only one of 0x401 and 1025 may be given; keep one of them",
    ),
];

#[test]
fn each_mistake_in_what_carriers_demand_gets_one_line() {
    let rows = MISTAKES
        .iter()
        .map(|(text, expected)| (format!("{BIND}{text}\n"), *expected));
    assert_mistakes(rows);
}

#[test]
fn classes_that_were_given_in_the_program_are_checked_too() {
    let cases = [
        (
            (CommandStatus::ESME_ROK, StatusClass::Permanent),
            "binds.a-1.statuses.ESME_ROK: the key must be the name of a status or its number, such as ESME_RSYSERR or 0x401, but not that of success",
        ),
        (
            (CommandStatus::ESME_RSYSERR, StatusClass::Ok),
            "binds.a-1.statuses.ESME_RSYSERR: must be \"throttle\", \"queue-full\", \"retryable\", \"permanent\", \"session\", \"bind-retry\" or \"bind-fatal\", not Ok",
        ),
    ];
    for (class, expected) in cases {
        let statuses = StatusClasses::from_iter([class]);
        let settings = Settings::default().bind("a-1", smallest().statuses(statuses));
        assert_eq!(settings.check().unwrap_err().to_string(), expected);
    }
}
