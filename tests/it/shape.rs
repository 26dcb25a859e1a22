//! House rules of these tests.

use std::fs;
use std::path::Path;

#[test]
fn every_file_of_tests_is_in_the_one_binary() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("it");
    let main = fs::read_to_string(dir.join("main.rs")).unwrap();
    let mut forgotten = Vec::new();
    for file in fs::read_dir(&dir).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let declared = main.lines().any(|line| line == format!("mod {name};"));
        let is_module = path.is_dir() || path.extension().is_some_and(|end| end == "rs");
        if is_module && name != "main" && !declared {
            forgotten.push(name);
        }
    }
    assert_eq!(forgotten, Vec::<String>::new(), "not in it/main.rs");
}
