//! Any text as a file of settings: never a panic; what is taken can be shown, and is sound when checked again.

#![no_main]

use bindery::settings::Settings;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // Files that are named would be opened.
    if text.contains("_file") {
        return;
    }
    // No environment: what a run finds must not depend on where it runs.
    let variables = [("BINDERY__BINDS__A__WINDOW".to_owned(), "7".to_owned())];
    match Settings::read(text, "fuzz.toml", variables) {
        Ok(settings) => {
            assert!(settings.check().is_ok(), "{:?}", settings.check());
            let _ = settings.warnings();
            assert!(!settings.effective().to_string().is_empty());
        }
        Err(error) => {
            // One line for each mistake, whatever the file holds.
            let told = error.to_string();
            assert!(!told.is_empty());
            assert!(!told.lines().any(str::is_empty), "{told:?}");
        }
    }
});
