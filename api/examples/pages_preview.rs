//! Writes pages made from hand-made answers, one file per verdict and language, for looking at.
//!
//! `cargo run -p api --example pages_preview -- DIRECTORY`

use api::pages::{self, Checkpoint, Lang, PageContext, Proof};
use std::path::Path;
use std::{fs, io};

#[path = "../src/pages/fixtures.rs"]
mod fixtures;

fn main() -> io::Result<()> {
    let directory = std::env::args().nth(1).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "give a directory to write to")
    })?;
    let directory = Path::new(&directory);
    fs::create_dir_all(directory.join("assets"))?;
    for lang in [Lang::Zh, Lang::En] {
        let page = fixtures::page(lang);
        let mut files: Vec<(String, String)> = fixtures::VERDICTS
            .into_iter()
            .map(|verdict| {
                let answer = fixtures::with(verdict);
                (verdict.word().to_owned(), pages::answer(&answer, &page))
            })
            .collect();
        let complete = fixtures::complete();
        let product = complete.products.values().next_back();
        let code = "https://id.gs1.org/01/06909813001010/10/WT-9999";
        files.extend(
            [
                ("code_unknown", pages::unknown(code, &page)),
                (
                    "malformed",
                    pages::malformed("abc", "the identifier is too short", &page),
                ),
                (
                    "foreign",
                    pages::foreign("https://zjll.example/12345", &page),
                ),
                (
                    "ask_lot",
                    pages::ask_lot(product, "(01)06909820001010", &page),
                ),
                (
                    "problem",
                    pages::problem(429, "Too many requests", "Try again in 2 s", &page),
                ),
                ("home", pages::home(&page)),
                (
                    "participant",
                    pages::participant(
                        fixtures::MAKER,
                        &complete.participants[&fixtures::MAKER],
                        &page,
                    ),
                ),
            ]
            .map(|(name, html)| (name.to_owned(), html)),
        );
        for (name, html) in files {
            keep_style(directory, &html)?;
            // Opened from a file, an absolute path would lead outside the directory.
            let html = html.replace("href=\"/assets/", "href=\"assets/");
            fs::write(directory.join(format!("{name}-{}.html", lang.tag())), html)?;
        }
    }
    Ok(())
}

/// Writes the style sheet that a page asks for.
fn keep_style(directory: &Path, html: &str) -> io::Result<()> {
    let path = html
        .split('"')
        .find(|text| text.starts_with("/assets/"))
        .unwrap_or_default();
    match pages::asset(path) {
        Some((_, content)) => fs::write(directory.join(path.trim_start_matches('/')), content),
        None => Ok(()),
    }
}
