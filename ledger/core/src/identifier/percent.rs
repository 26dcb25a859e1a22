//! Percent-encoding, in one spelling: upper-case hexadecimal, and only where this module says so.

use super::IdentifierError;
use std::fmt::Write as _;

/// Decodes; text without `%` comes back as it is, and `+` stays a plus.
pub(super) fn decode(text: &str) -> Result<String, IdentifierError> {
    let broken = || IdentifierError::BadEscape {
        text: text.chars().take(64).collect(),
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut nibble = || {
            let digit = char::from(rest.next()?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (high, low) = (nibble().ok_or_else(broken)?, nibble().ok_or_else(broken)?);
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

/// Encodes everything outside RFC 3986 §2.3's unreserved characters.
pub(super) fn encode_all(text: &str) -> String {
    encode(text, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
    })
}

/// Encodes a GS1 value for the canonical Digital Link: `! ( ) * + , : / # % &`, and `" < > ?`,
/// which no URI path may hold bare (RFC 3986 §3.3). `' ; = - . _` and alphanumerics stay.
pub(super) fn encode_gs1(text: &str) -> String {
    encode(text, |byte| {
        byte.is_ascii_alphanumeric() || b"-._';=".contains(&byte)
    })
}

fn encode(text: &str, plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string does not fail");
        }
    }
    encoded
}
