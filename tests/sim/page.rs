//! The page on reliability names tests; they exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read_all(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_page_on_reliability_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    read_all(&root.join("src"), &mut sources);
    read_all(&root.join("tests"), &mut sources);
    let functions: BTreeSet<&str> = sources
        .split("fn ")
        .filter_map(|rest| rest.split(['(', '<']).next())
        .collect();

    let page = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let spans = page.split('`').skip(1).step_by(2);
    // Names of tests are sentences; nothing else on the page has so many words.
    let names: Vec<&str> = spans.filter(|span| span.matches('_').count() >= 3).collect();
    assert!(names.len() > 80, "{}", names.len());
    let missing: Vec<_> = names.iter().filter(|name| !functions.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
