//! Any octets as user data with a header.

#![no_main]

use bindery::sm::Udh;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let readable = Udh::readable(octets);
    let whole = Udh::split(octets);
    if let Ok((udh, rest)) = whole {
        assert_eq!(udh, readable);
        assert_eq!(usize::from(octets[0]) + 1 + rest.len(), octets.len());
        let length: usize = udh.elements().count();
        assert!(length * 2 <= usize::from(octets[0]));
    }
    if let Some(part) = readable.part() {
        assert!(part.sequence >= 1 && part.sequence <= part.total, "{part:?}");
    }
    let _ = (readable.ports(), readable.tables());
});
