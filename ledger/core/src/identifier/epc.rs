//! EPC URNs to canonical Digital Links.
//!
//! Source: GS1 EPC Tag Data Standard §6. Schemes outside GS1 keys (gid, usdod, bic ...) are kept
//! as they are.

use super::{Identifier, IdentifierError, ai, check, key::Key, percent};

/// Reads what follows `urn:epc:`; `None` for a scheme or pattern that we keep opaque.
pub(super) fn recognise(rest: &str) -> Result<Option<Identifier>, IdentifierError> {
    let mut parts = rest.splitn(3, ':');
    let (Some(form), Some(scheme), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
        return Ok(None);
    };
    let (form, scheme) = (form.to_ascii_lowercase(), scheme.to_ascii_lowercase());
    match (form.as_str(), scheme.as_str()) {
        ("class", "lgtin") => read("lgtin", body).map(Some),
        ("id", scheme) if SCHEMES.contains(&scheme) => read(scheme, body).map(Some),
        // A pattern for all serials of one class is that class; any other pattern is no thing.
        ("idpat", scheme) if SERIALISED.contains(&scheme) => match body.strip_suffix(".*") {
            Some(class) if !class.contains('*') => read(scheme, class).map(Some),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

const SCHEMES: [&str; 16] = [
    "sgtin", "sscc", "sgln", "pgln", "gdti", "grai", "giai", "itip", "gsrn", "gsrnp", "ginc",
    "gsin", "cpi", "upui", "sgcn", "lgtin",
];

/// Schemes that end in a serial number which a pattern may leave open.
const SERIALISED: [&str; 7] = ["sgtin", "itip", "upui", "grai", "gdti", "sgcn", "cpi"];

fn read(scheme: &str, body: &str) -> Result<Identifier, IdentifierError> {
    let bad = || IdentifierError::BadParts {
        scheme: scheme.to_owned(),
    };
    // The last field may hold dots; how many come before it depends on the scheme.
    let limit = match scheme {
        "sscc" | "pgln" | "giai" | "gsrn" | "gsrnp" | "ginc" | "gsin" => 2,
        "itip" => 5,
        _ => 3,
    };
    let parts: Vec<String> = body
        .splitn(limit, '.')
        .map(percent::decode)
        .collect::<Result<_, _>>()?;
    let prefix = parts.first().ok_or_else(bad)?;
    if !ai::is_digits(prefix) || !(4..=12).contains(&prefix.len()) {
        return Err(bad());
    }
    let reference = parts.get(1).ok_or_else(bad)?;
    let numeric = || {
        let digits = reference.bytes().all(|byte| byte.is_ascii_digit());
        if digits {
            Ok(reference.as_str())
        } else {
            Err(bad())
        }
    };
    // Indicator or extension digit first, then the company prefix, then the rest.
    let leading = |total: usize| {
        let (first, rest) = numeric()?.split_at_checked(1).ok_or_else(bad)?;
        with_check(&format!("{first}{prefix}{rest}"), total).ok_or_else(bad)
    };
    let following =
        |total: usize| with_check(&format!("{prefix}{}", numeric()?), total).ok_or_else(bad);
    let last = |at: usize| parts.get(at).map_or("", String::as_str);
    let one = |code: &str, value: &str| build(code, value, None);
    let two = |code: &str, value: &str, qualifier: &str, text: &str| {
        build(code, value, (!text.is_empty()).then_some((qualifier, text)))
    };
    // A field that the scheme asks for may be left out by a pattern, but not be empty.
    if parts
        .get(2)
        .is_some_and(|serial| serial.is_empty() && scheme != "sgln")
    {
        return Err(bad());
    }
    match scheme {
        "sgtin" => two("01", &leading(14)?, "21", last(2)),
        "upui" => two("01", &leading(14)?, "235", last(2)),
        "lgtin" if parts.len() == 3 => two("01", &leading(14)?, "10", last(2)),
        "sscc" => one("00", &leading(18)?),
        "sgln" => two(
            "414",
            &following(13)?,
            "254",
            Some(last(2)).filter(|&ext| ext != "0").unwrap_or(""),
        ),
        "pgln" => one("417", &following(13)?),
        "gdti" => one("253", &format!("{}{}", following(13)?, last(2))),
        "sgcn" => one("255", &format!("{}{}", following(13)?, last(2))),
        "grai" => one("8003", &format!("0{}{}", following(13)?, last(2))),
        "giai" => one("8004", &format!("{prefix}{reference}")),
        "ginc" => one("401", &format!("{prefix}{reference}")),
        "gsin" => one("402", &following(17)?),
        "gsrn" => one("8018", &following(18)?),
        "gsrnp" => one("8017", &following(18)?),
        "cpi" => two("8010", &format!("{prefix}{reference}"), "8011", last(2)),
        "itip" => {
            let (piece, total) = (last(2), last(3));
            if parts.get(4).is_some_and(String::is_empty) || piece.len() != 2 || total.len() != 2 {
                return Err(bad());
            }
            two(
                "8006",
                &format!("{}{piece}{total}", leading(14)?),
                "21",
                last(4),
            )
        }
        _ => Err(bad()),
    }
}

/// Appends the check digit where that gives `total` digits.
fn with_check(digits: &str, total: usize) -> Option<String> {
    let check = check::gs1(digits)?;
    (digits.len() + 1 == total).then(|| format!("{digits}{check}"))
}

fn build(
    code: &str,
    value: &str,
    qualifier: Option<(&str, &str)>,
) -> Result<Identifier, IdentifierError> {
    let elements: Vec<(String, String)> = qualifier
        .into_iter()
        .map(|(code, text)| (code.to_owned(), text.to_owned()))
        .collect();
    Key::by_code(code)
        .ok_or(IdentifierError::Unrecognised)?
        .identifier(value, &elements)
}
