//! The URI forms of what GS1 does not cover; the bytes are in the module header above.

use super::{Identifier, IdentifierError, Kind, ai, check, percent};
use crate::ids::Handle;

/// Longest own product code or lot, in characters: what fits one line of a label.
pub(super) const OWN_MAX: usize = 64;

/// Reads what follows `urn:suyuan:`.
pub(super) fn parse(rest: &str) -> Result<Identifier, IdentifierError> {
    let (form, body) = rest.split_once(':').unwrap_or((rest, ""));
    let form = form.to_ascii_lowercase();
    let parts: Vec<&str> = body.split(':').collect();
    from_parts(&form, &parts).unwrap_or_else(|| {
        Err(IdentifierError::UnknownForm {
            form: form.chars().take(32).collect(),
        })
    })
}

/// Builds from the word of a form and its parts, still percent-encoded; `None`: no such form.
pub(super) fn from_parts(
    form: &str,
    parts: &[&str],
) -> Option<Result<Identifier, IdentifierError>> {
    let single = match parts {
        [single] => Ok(*single),
        _ => Err(IdentifierError::BadParts {
            scheme: form.to_owned(),
        }),
    };
    Some(match form {
        "drug" => single.and_then(drug),
        "uscc" => single.and_then(uscc),
        "sc" => single.and_then(|text| licence("SC", Kind::FoodProductionLicence, text)),
        "jy" => single.and_then(|text| licence("JY", Kind::FoodOperationLicence, text)),
        "yb" => single.and_then(|text| licence("YB", Kind::FoodOperationFiling, text)),
        "participant" => single.and_then(|text| handle(text).map(Identifier::participant)),
        "lot" | "product" | "case" => own(form, parts),
        _ => return None,
    })
}

fn own(form: &str, parts: &[&str]) -> Result<Identifier, IdentifierError> {
    match (form, parts) {
        ("lot", [owner, product, lot]) => {
            let (product, lot) = (percent::decode(product)?, percent::decode(lot)?);
            Identifier::own_lot(handle(owner)?, &product, &lot)
        }
        ("product", [owner, product]) => {
            Identifier::own_product(handle(owner)?, &percent::decode(product)?)
        }
        ("case", [owner, number]) => Identifier::case(handle(owner)?, &percent::decode(number)?),
        _ => Err(IdentifierError::BadParts {
            scheme: form.to_owned(),
        }),
    }
}

fn handle(text: &str) -> Result<Handle, IdentifierError> {
    Handle::parse(text).ok_or_else(|| IdentifierError::BadParts {
        scheme: "participant handle".to_owned(),
    })
}

/// A drug or vaccine trace code: 20 digits, no public check digit.
///
/// Source: NMPAB/T 1002-2019.
pub(super) fn drug(text: &str) -> Result<Identifier, IdentifierError> {
    digits("the drug trace code", text, 20)?;
    Ok(Identifier {
        uri: format!("urn:suyuan:drug:{text}"),
        kind: Kind::Drug,
    })
}

/// A unified social credit code, letters of any case.
///
/// Source: GB 32100-2015.
pub(super) fn uscc(text: &str) -> Result<Identifier, IdentifierError> {
    let field = "the unified social credit code";
    let code = text.to_ascii_uppercase();
    length(field, &code, 18)?;
    let outside = |c: &char| !c.is_ascii_alphanumeric() || "IOSVZ".contains(*c);
    if let Some(character) = code.chars().find(outside) {
        return Err(IdentifierError::BadCharacter {
            field: field.to_owned(),
            character,
        });
    }
    verify(Kind::Uscc, &code, check::uscc)?;
    Ok(Identifier {
        uri: format!("urn:suyuan:uscc:{code}"),
        kind: Kind::Uscc,
    })
}

/// `SC`, `JY` or `YB` and 14 digits; only SC has a check digit that we could confirm.
pub(super) fn licence(
    letters: &str,
    kind: Kind,
    text: &str,
) -> Result<Identifier, IdentifierError> {
    let code = text.to_ascii_uppercase();
    let Some(number) = code.strip_prefix(letters) else {
        return Err(IdentifierError::BadParts {
            scheme: letters.to_ascii_lowercase(),
        });
    };
    digits(kind.name(), number, 14)?;
    if kind == Kind::FoodProductionLicence {
        verify(kind, number, check::food_production)?;
    }
    Ok(Identifier {
        uri: format!("urn:suyuan:{}:{code}", letters.to_ascii_lowercase()),
        kind,
    })
}

/// Checks one own product code or lot.
pub(super) fn own_text(field: &str, text: &str) -> Result<(), IdentifierError> {
    let characters = text.chars().count();
    if !(1..=OWN_MAX).contains(&characters) {
        let field = field.to_owned();
        return Err(IdentifierError::BadLength {
            field,
            length: characters,
            min: 1,
            max: OWN_MAX,
        });
    }
    // Blanks at the ends and invisible characters look like another code on paper; a lone dot or
    // two would be folded away from a web path by every browser.
    let blank = |c: char| c.is_whitespace();
    let ends = text.chars().next().filter(|&c| blank(c));
    let ends = ends.or_else(|| text.chars().next_back().filter(|&c| blank(c)));
    let inside = text
        .chars()
        .find(|&c| c.is_control() || super::is_invisible(c));
    let dots = [".", ".."].contains(&text).then_some('.');
    match ends.or(inside).or(dots) {
        Some(character) => Err(IdentifierError::BadCharacter {
            field: field.to_owned(),
            character,
        }),
        None => Ok(()),
    }
}

fn length(field: &str, text: &str, expected: usize) -> Result<(), IdentifierError> {
    let length = text.chars().count();
    if length == expected {
        return Ok(());
    }
    let field = field.to_owned();
    Err(IdentifierError::BadLength {
        field,
        length,
        min: expected,
        max: expected,
    })
}

fn digits(field: &str, text: &str, expected: usize) -> Result<(), IdentifierError> {
    length(field, text, expected)?;
    match text.chars().find(|c| !c.is_ascii_digit()) {
        Some(character) if !ai::is_digits(text) => Err(IdentifierError::BadCharacter {
            field: field.to_owned(),
            character,
        }),
        _ => Ok(()),
    }
}

fn verify(kind: Kind, code: &str, check: fn(&str) -> Option<char>) -> Result<(), IdentifierError> {
    let mut body = code.to_owned();
    let (Some(given), Some(expected)) = (body.pop(), check(&body)) else {
        return Err(IdentifierError::Unrecognised);
    };
    if given == expected {
        Ok(())
    } else {
        Err(IdentifierError::CheckDigit {
            kind,
            given,
            expected,
        })
    }
}
