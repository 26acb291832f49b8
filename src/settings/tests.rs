//! What configurations give, and what mistakes are told.

use super::*;

const BIND: &str = "[binds.a-1]\nhosts = [\"127.0.0.1:2775\"]\nsystem_id = \"bindery\"\npassword = \"secret\"\n";

#[test]
fn the_smallest_configuration_is_one_bind() {
    let settings = Settings::from_str(BIND, "bindery.toml").unwrap();
    let expected = BindSettings::new("127.0.0.1:2775", "bindery", "secret");
    assert_eq!(settings, Settings::default().bind("a-1", expected));
}
