//! What a scanner, camera, till or person delivers, in any of the spellings in use.

use super::{
    Expiry, Identifier, IdentifierError, Kind,
    ai::{self, Ai},
    check,
    digital_link::{self, Url},
    fixed,
    key::KEYS,
    path,
};

/// Longest scanned text in bytes: the longest identifier inside one of our own links.
const SCAN_MAX: usize = 8192;
/// Most elements in one barcode: (00) to (99) and some; real labels carry ten.
const ELEMENTS_MAX: usize = 100;
/// FNC1 as scanners transmit it.
const FNC1: char = '\u{1d}';

/// What a code in hand says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The finest thing that the code names.
    pub identifier: Identifier,
    /// The lot, also where the identifier names the serial item.
    pub lot: Option<String>,
    /// The serial number.
    pub serial: Option<String>,
    /// The expiry that the label states; it is not signed by anyone.
    pub expiry: Option<Expiry>,
    /// All other elements, as application identifier and value.
    pub attributes: Vec<(String, String)>,
}

impl Scan {
    /// Whether only the product is known, so that the page must ask for the lot.
    #[must_use]
    pub const fn product_only(&self) -> bool {
        matches!(self.identifier.kind(), Kind::Gtin | Kind::OwnProduct)
    }

    fn of(identifier: Identifier) -> Self {
        let (lot, serial) = (identifier.lot(), identifier.serial());
        Self {
            identifier,
            lot,
            serial,
            expiry: None,
            attributes: Vec::new(),
        }
    }
}

/// Reads any spelling of a code.
///
/// Links of any host, GS1 element strings with parentheses or FNC1 and symbology prefix, bare
/// EAN, UPC, ITF-14 and SSCC digits, drug trace codes, USCC, SC, JY and YB numbers, our own links
/// and URNs, EPC URNs. Full-width characters, blanks around and zero-width characters do no harm.
/// Bare 13 digits are a GTIN, never a GLN.
///
/// # Errors
/// [`IdentifierError`]; [`IdentifierError::Unrecognised`] where nothing fits.
pub fn scan(text: &str) -> Result<Scan, IdentifierError> {
    if text.len() > SCAN_MAX {
        return Err(IdentifierError::TooLong {
            bytes: text.len(),
            max: SCAN_MAX,
        });
    }
    let seen: String = text.chars().filter(|&c| !super::is_invisible(c)).collect();
    let seen = seen.trim();
    if seen.is_empty() {
        return Err(IdentifierError::Empty);
    }
    // An own code inside a URI may hold full-width characters that mean what they are.
    if is_uri(seen) {
        return uri(seen);
    }
    let folded: String = seen.chars().map(half_width).collect();
    let folded = folded
        .replace("{GS}", "\u{1d}")
        .replace("<GS>", "\u{1d}")
        .replace('␝', "\u{1d}");
    plain(folded.trim())
}

/// Whether a text is a URI. A scheme begins with a letter (RFC 3986 §3.1), an element string with a
/// digit or bracket; a lot number may hold "://".
fn is_uri(text: &str) -> bool {
    let first = text.chars().next().map(half_width);
    let letter = first.is_some_and(|letter| letter.is_ascii_alphabetic());
    (letter && text.contains("://")) || super::strip_prefix(text, "urn:").is_some()
}

/// Full-width forms (U+FF01..U+FF5E) and the ideographic space, in ASCII.
fn half_width(character: char) -> char {
    match character {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character)
        }
        other => other,
    }
}

/// Reads folded text: symbology prefix, link, element string, or a number.
fn plain(text: &str) -> Result<Scan, IdentifierError> {
    let (symbology, text) = match text.split_at_checked(3) {
        Some((head, rest)) if head.starts_with(']') => (Some(head), rest),
        _ => (None, text),
    };
    if text.is_empty() {
        return Err(IdentifierError::Empty);
    }
    if is_uri(text) {
        return uri(text);
    }
    if text.starts_with('(') {
        return from_elements(bracketed(text)?);
    }
    let gs1_carrier =
        symbology.is_some_and(|head| ["]C1", "]d2", "]Q3", "]e0", "]J1"].contains(&head));
    if gs1_carrier || text.contains(FNC1) {
        return from_elements(elements(text)?);
    }
    if text.contains('/') {
        return typed_link(text);
    }
    number(text)
}

/// A URI of any kind; links may carry lot, expiry and more.
fn uri(text: &str) -> Result<Scan, IdentifierError> {
    let Some(url) = Url::split(text) else {
        return Identifier::parse(text).map(Scan::of);
    };
    if let Some(link) = digital_link::recognise(url)? {
        let mut scan = Scan::of(link.identifier);
        for (code, value) in link.elements.into_iter().skip(1).chain(link.attributes) {
            // What fails here is a date in a query, which keeps nobody from the goods.
            match add(&mut scan, &code, value) {
                Ok(()) | Err(_) => {}
            }
        }
        return Ok(scan);
    }
    let segments = url.segments();
    let own = (0..segments.len()).find_map(|start| path::own(&segments[start..])?.ok());
    own.map_or_else(|| Identifier::parse(text), Ok)
        .map(Scan::of)
}

/// `/01/...` or `host.name/01/...` as people copy it.
fn typed_link(text: &str) -> Result<Scan, IdentifierError> {
    let host = text.split('/').next().unwrap_or("");
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let link = if host.is_empty() {
        format!("https://unnamed.invalid{text}")
    } else if name.contains('.') && (port.is_empty() || ai::is_digits(port)) {
        format!("https://{text}")
    } else {
        // CPID and lots may hold a slash too.
        return number(text);
    };
    let scan = uri(&link)?;
    if scan.identifier.kind() == Kind::Opaque && !text.contains("/id/") {
        return Err(IdentifierError::Unrecognised);
    }
    Ok(scan)
}

/// Digits or a licence number, printed with or without blanks.
fn number(text: &str) -> Result<Scan, IdentifierError> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let gs1 = |code: &str, value: &str| from_elements(vec![(code.to_owned(), value.to_owned())]);
    let upper = compact.to_ascii_uppercase();
    for (letters, kind) in [
        ("SC", Kind::FoodProductionLicence),
        ("JY", Kind::FoodOperationLicence),
        ("YB", Kind::FoodOperationFiling),
    ] {
        if upper.strip_prefix(letters).is_some_and(ai::is_digits) {
            return fixed::licence(letters, kind, &upper).map(Scan::of);
        }
    }
    if !ai::is_digits(&compact) {
        let letters = compact.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return if letters && compact.len() == 18 && !begins_like_elements(&compact) {
            fixed::uscc(&compact).map(Scan::of)
        } else if Ai::at_start(&compact).is_some() {
            from_elements(elements(text)?)
        } else {
            match Identifier::parse(text) {
                Err(IdentifierError::NotAUri) => Err(IdentifierError::Unrecognised),
                read => read.map(Scan::of),
            }
        };
    }
    match compact.len() {
        8 | 12 | 13 | 14 => gs1("01", &compact),
        18 => {
            // Both an SSCC and a credit code can be 18 digits; 1 in 310 passes both checks. Then
            // the registrar and class that nearly all organisations have decide.
            let organisation = ["11", "12", "51", "52", "53", "91", "92", "93"]
                .iter()
                .any(|start| compact.starts_with(start));
            match (gs1("00", &compact), fixed::uscc(&compact)) {
                (Err(_), Ok(code)) => Ok(Scan::of(code)),
                (Ok(_), Ok(code)) if organisation => Ok(Scan::of(code)),
                (sscc, _) => sscc,
            }
        }
        20 => match elements(&compact).and_then(from_elements) {
            Ok(scan) if begins_like_elements(&compact) => Ok(scan),
            _ => fixed::drug(&compact).map(Scan::of),
        },
        _ if begins_like_elements(&compact) => from_elements(elements(&compact)?),
        _ => Err(IdentifierError::Unrecognised),
    }
}

/// Whether it begins with a GTIN or SSCC whose check digit is right.
fn begins_like_elements(text: &str) -> bool {
    [("01", 16), ("00", 20)].iter().any(|(code, end)| {
        text.starts_with(code)
            && text.get(2..*end).is_some_and(|key| {
                let body = key.get(..key.len() - 1).and_then(check::gs1);
                body.is_some() && key.chars().next_back() == body
            })
    })
}

/// Splits `(01)...(10)...`.
fn bracketed(text: &str) -> Result<Vec<(String, String)>, IdentifierError> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some((code, ai, after)) = bracket(rest) else {
            return Err(unknown(rest));
        };
        // A value may hold parentheses; it ends where the next known identifier stands in them.
        let end = after
            .char_indices()
            .find(|(at, c)| *c == '(' && bracket(&after[*at..]).is_some())
            .map_or(after.len(), |(at, _)| at);
        let (value, next) = after.split_at(end);
        let value = if ai.is_numeric() {
            value
                .chars()
                .filter(|c| !c.is_whitespace() && *c != FNC1)
                .collect()
        } else {
            value
                .trim_matches(|c: char| c.is_whitespace() || c == FNC1)
                .to_owned()
        };
        push(&mut found, code, ai, value)?;
        rest = next;
    }
    Ok(found)
}

/// The known identifier in parentheses that `text` begins with, and what follows.
fn bracket(text: &str) -> Option<(&str, &'static Ai, &str)> {
    // At most four digits: a long run of parentheses costs one look each.
    let close = text.bytes().take(6).position(|byte| byte == b')')?;
    let code = text.strip_prefix('(')?.get(..close.checked_sub(1)?)?;
    Some((code, Ai::find(code)?, &text[close + 1..]))
}

/// Splits a raw element string (GS1 General Specifications §7.8).
fn elements(text: &str) -> Result<Vec<(String, String)>, IdentifierError> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(FNC1);
    while !rest.is_empty() {
        let Some((code, ai)) = Ai::at_start(rest) else {
            return Err(unknown(rest));
        };
        let after = &rest[code.len()..];
        let separator = after.find(FNC1).unwrap_or(after.len());
        let end = if ai.predefined {
            let (_, length) = ai.lengths();
            after
                .char_indices()
                .nth(length)
                .map_or(after.len(), |(at, _)| at)
                .min(separator)
        } else {
            separator
        };
        let (value, next) = after.split_at(end);
        push(&mut found, code, ai, value.to_owned())?;
        rest = next.trim_start_matches(FNC1);
    }
    Ok(found)
}

fn unknown(at: &str) -> IdentifierError {
    IdentifierError::UnknownAi {
        at: at.chars().take(8).collect(),
    }
}

fn push(
    found: &mut Vec<(String, String)>,
    code: &str,
    ai: &Ai,
    value: String,
) -> Result<(), IdentifierError> {
    // Printed labels shorten a GTIN, and the key pads it.
    if code != "01" {
        ai.validate(code, &value)?;
    }
    if let Some((_, known)) = found.iter().find(|(known, _)| known == code) {
        if *known == value {
            return Ok(());
        }
        return Err(IdentifierError::Conflict {
            ai: code.to_owned(),
        });
    }
    if found.len() == ELEMENTS_MAX {
        return Err(IdentifierError::TooLong {
            bytes: found.len(),
            max: ELEMENTS_MAX,
        });
    }
    found.push((code.to_owned(), value));
    Ok(())
}

/// Finds the key among the elements and sorts the rest.
fn from_elements(found: Vec<(String, String)>) -> Result<Scan, IdentifierError> {
    let of = |code: &str| found.iter().position(|(known, _)| known == code);
    let key = KEYS.iter().find_map(|key| of(key.code).map(|at| (key, at)));
    let (key, at) = key.ok_or(IdentifierError::NoKey)?;
    let mut scan = Scan::of(key.identifier(&found[at].1, &found)?);
    for (_, (code, value)) in found
        .into_iter()
        .enumerate()
        .filter(|(other, _)| *other != at)
    {
        add(&mut scan, &code, value)?;
    }
    Ok(scan)
}

/// Puts one element where it belongs.
fn add(scan: &mut Scan, code: &str, value: String) -> Result<(), IdentifierError> {
    match code {
        "10" => scan.lot = Some(value),
        "21" | "235" | "8011" => scan.serial = Some(value),
        "17" if scan.expiry.is_none() => scan.expiry = Some(Expiry::read(code, &value)?),
        // The finer statement wins, whichever came first.
        "7003" => scan.expiry = Some(Expiry::read(code, &value)?),
        "17" => {
            Expiry::read(code, &value)?;
        }
        _ => scan.attributes.push((code.to_owned(), value)),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
