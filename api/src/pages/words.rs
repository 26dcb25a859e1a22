//! The catalogue's words about findings, for whoever shows findings elsewhere.

use super::Lang;
use ledger::policy::Severity;
use ledger::provenance::{Law, Rule};
use ledger_web::catalogue::{self, Key};

/// What a rule found, and what mends it.
#[must_use]
pub const fn rule(lang: Lang, rule: Rule) -> (&'static str, &'static str) {
    let (what, mend) = catalogue::rule(rule);
    (lang.t(what), lang.t(mend))
}

/// How grave that is.
#[must_use]
pub const fn severity(lang: Lang, severity: Severity) -> &'static str {
    lang.t(catalogue::severity(severity))
}

/// An article of a law as people cite it; without a number, the law.
#[must_use]
pub fn article(lang: Lang, law: Law, number: &str) -> String {
    let (name, clause) = catalogue::law(law);
    let name = lang.t(name);
    if number.is_empty() {
        return name.to_owned();
    }
    let form = if clause {
        Key::LawClause
    } else {
        Key::LawArticle
    };
    lang.fill(form, &[name, number])
}
