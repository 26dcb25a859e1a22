//! Identifiers: each thing has one canonical form, and every spelling leads to it.
//!
//! [`Identifier::parse`] reads what stands in an EPCIS field; [`scan()`] reads whatever a scanner,
//! camera, till or person delivers. Both verify check digits. Nothing here knows a network, a
//! registry or a clock.
//!
//! # The forms, byte by byte
//!
//! - GS1 keys: the constrained canonical Digital Link, `https://id.gs1.org/` + key + value, with
//!   the finest level only: `/01/06901234567892/21/000123` leaves out 10 and 22, and there is no
//!   query. A GTIN has 14 digits. In values `! ( ) * + , : / # % &` and `" < > ?` are `%XX` in
//!   upper-case hexadecimal; all else stands bare.
//! - What GS1 does not cover (ASCII; `%XX` of UTF-8 outside RFC 3986's unreserved characters):
//!   ```text
//!   urn:suyuan:drug:83857930000879766660            20 digits, NMPAB/T 1002-2019
//!   urn:suyuan:uscc:91350100M000100Y43              18 characters, GB 32100-2015, check verified
//!   urn:suyuan:sc:SC10151010700014                  SC + 14 digits, check verified
//!   urn:suyuan:jy:JY15101070000011                  JY + 14 digits
//!   urn:suyuan:yb:YB15101070000011                  YB + 14 digits
//!   urn:suyuan:participant:BwcHBwcHBwcHBwcHBwcHBw   handle, 22 base64url characters
//!   urn:suyuan:product:{handle}:{product}           own product code, 1..64 characters
//!   urn:suyuan:lot:{handle}:{product}:{lot}         own lot, 1..64 characters
//!   urn:suyuan:case:{handle}:{number}               hold or recall, 1..64 characters
//!   ```
//! - Any other absolute URI is opaque: kept byte for byte.
//!
//! Unicode is not normalised: an own code is what its owner wrote.
//!
//! Sources: GS1 Digital Link URI Syntax §4, GS1 EPC Tag Data Standard §6, GS1 General
//! Specifications §3 and §7.

mod ai;
pub mod check;
mod digital_link;
mod epc;
mod error;
mod expiry;
mod fixed;
mod key;
mod kind;
mod path;
mod percent;
mod region;
mod scan;

pub use error::IdentifierError;
pub use expiry::Expiry;
pub use kind::Kind;
pub use region::Region;
pub use scan::{Scan, scan};

use crate::ids::Handle;
use std::fmt;

/// Longest identifier in bytes: what every browser, proxy and database index takes.
pub const LENGTH_MAX: usize = 2048;

/// The canonical form of one identifier; holding it means that it was read and verified.
///
/// Ordered and compared by its URI.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    uri: String,
    kind: Kind,
}

impl Identifier {
    /// Reads an identifier as it stands in an EPCIS field.
    ///
    /// `text`: an EPC URN, a GS1 Digital Link of any domain, one of our own forms, or any other
    /// absolute URI, which stays opaque; at most [`LENGTH_MAX`] bytes.
    ///
    /// # Errors
    /// [`IdentifierError`]; [`IdentifierError::NotAUri`] for bare text, which [`scan()`] may read.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        if text.is_empty() {
            return Err(IdentifierError::Empty);
        }
        if text.len() > LENGTH_MAX {
            return Err(IdentifierError::TooLong {
                bytes: text.len(),
                max: LENGTH_MAX,
            });
        }
        if let Some(rest) = strip_prefix(text, "urn:suyuan:") {
            return fixed::parse(rest);
        }
        if let Some(rest) = strip_prefix(text, "urn:epc:")
            && let Some(identifier) = epc::recognise(rest)?
        {
            return Ok(identifier);
        }
        if let Some(url) = digital_link::Url::split(text)
            && let Some(link) = digital_link::recognise(url)?
        {
            return Ok(link.identifier);
        }
        opaque(text)
    }

    /// A participant, by handle.
    #[must_use]
    pub fn participant(handle: Handle) -> Self {
        Self {
            uri: format!("urn:suyuan:participant:{handle}"),
            kind: Kind::Participant,
        }
    }

    /// A product under its maker's own code.
    ///
    /// # Errors
    /// [`IdentifierError::BadLength`] outside 1..64 characters; [`IdentifierError::BadCharacter`]
    /// for control and invisible characters, blanks at the ends, and the names `.` and `..`.
    pub fn own_product(handle: Handle, product: &str) -> Result<Self, IdentifierError> {
        fixed::own_text("the product code", product)?;
        let product = percent::encode_all(product);
        Ok(Self {
            uri: format!("urn:suyuan:product:{handle}:{product}"),
            kind: Kind::OwnProduct,
        })
    }

    /// A lot under its maker's own product code.
    ///
    /// # Errors
    /// As [`Identifier::own_product`], for either text.
    pub fn own_lot(handle: Handle, product: &str, lot: &str) -> Result<Self, IdentifierError> {
        fixed::own_text("the product code", product)?;
        fixed::own_text("the lot", lot)?;
        let (product, lot) = (percent::encode_all(product), percent::encode_all(lot));
        Ok(Self {
            uri: format!("urn:suyuan:lot:{handle}:{product}:{lot}"),
            kind: Kind::OwnLot,
        })
    }

    /// A hold or recall under its opener's own number.
    ///
    /// # Errors
    /// As [`Identifier::own_product`].
    pub fn case(handle: Handle, number: &str) -> Result<Self, IdentifierError> {
        fixed::own_text("the case number", number)?;
        let number = percent::encode_all(number);
        Ok(Self {
            uri: format!("urn:suyuan:case:{handle}:{number}"),
            kind: Kind::Case,
        })
    }

    /// The canonical URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.uri
    }

    /// The canonical URI, taken out.
    #[must_use]
    pub fn into_uri(self) -> String {
        self.uri
    }

    /// What kind of thing this names.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The product of a lot, serial or piece; a product is its own.
    #[must_use]
    pub fn product(&self) -> Option<Self> {
        if let Some(gtin) = self.gtin() {
            return Some(Self {
                uri: format!("https://id.gs1.org/01/{gtin}"),
                kind: Kind::Gtin,
            });
        }
        let [handle, product, ..] = self.own_parts()?[..] else {
            return None;
        };
        Some(Self {
            uri: format!("urn:suyuan:product:{handle}:{product}"),
            kind: Kind::OwnProduct,
        })
    }

    /// The 14-digit GTIN of a GTIN, lot, serial or piece.
    #[must_use]
    pub fn gtin(&self) -> Option<&str> {
        let (code, value, _) = self.gs1_parts()?;
        if ["01", "8006"].contains(&code) {
            value.get(..14)
        } else {
            None
        }
    }

    /// The lot as printed, where this names a lot.
    #[must_use]
    pub fn lot(&self) -> Option<String> {
        let lot = match self.gs1_parts() {
            Some((_, _, Some(("10", lot)))) => lot,
            _ if self.kind == Kind::OwnLot => self.own_parts()?.get(2).copied()?,
            _ => return None,
        };
        percent::decode(lot).ok()
    }

    /// The serial number as printed, where this names one item of a trade item or component.
    #[must_use]
    pub fn serial(&self) -> Option<String> {
        match self.gs1_parts()? {
            (_, _, Some(("21" | "235" | "8011", serial))) => percent::decode(serial).ok(),
            _ => None,
        }
    }

    /// Whether this names exactly one thing, which can be in one place only.
    ///
    /// Opaque identifiers are neither instance nor class: only the event says which.
    #[must_use]
    pub fn is_instance(&self) -> bool {
        let serialised = |plain: usize| {
            self.gs1_parts()
                .is_some_and(|(_, value, _)| value.len() > plain)
        };
        match self.kind {
            Kind::Serial
            | Kind::ThirdPartySerial
            | Kind::Sscc
            | Kind::IndividualAsset
            | Kind::Drug => true,
            Kind::ReturnableAsset => serialised(14),
            Kind::Piece | Kind::Component => self.serial().is_some(),
            Kind::Gtin
            | Kind::Lot
            | Kind::Location
            | Kind::Party
            | Kind::Document
            | Kind::Service
            | Kind::Consignment
            | Kind::Shipment
            | Kind::Coupon
            | Kind::Model
            | Kind::Payment
            | Kind::OwnLot
            | Kind::OwnProduct
            | Kind::Uscc
            | Kind::FoodProductionLicence
            | Kind::FoodOperationLicence
            | Kind::FoodOperationFiling
            | Kind::Participant
            | Kind::Case
            | Kind::Opaque => false,
        }
    }

    /// The lot of this product with this number, if this is a product and that can be a number.
    #[must_use]
    pub fn with_lot(&self, lot: &str) -> Option<Self> {
        let lot = percent::encode_all(lot);
        let uri = match self.uri.strip_prefix("urn:suyuan:product:") {
            Some(own) => format!("urn:suyuan:lot:{own}:{lot}"),
            None => format!("{}/10/{lot}", self.uri),
        };
        let lot = Self::parse(&uri).ok()?;
        matches!(lot.kind, Kind::Lot | Kind::OwnLot).then_some(lot)
    }

    /// Whether this names goods by kind or lot, so that an event needs a quantity.
    #[must_use]
    pub fn is_class(&self) -> bool {
        let maybe = [Kind::Piece, Kind::Component, Kind::ReturnableAsset].contains(&self.kind);
        let always = [Kind::Gtin, Kind::Lot, Kind::OwnLot, Kind::OwnProduct].contains(&self.kind);
        always || maybe && !self.is_instance()
    }

    /// Whether the GS1 key was issued under this company prefix, of 4 to 12 digits.
    ///
    /// The indicator of a GTIN, the extension digit of an SSCC and the filler of a GRAI are
    /// skipped. A GTIN-8 has no company prefix.
    #[must_use]
    pub fn gs1_company_prefix_matches(&self, prefix: &str) -> bool {
        ai::is_digits(prefix)
            && (4..=12).contains(&prefix.len())
            && self
                .gs1_prefix_digits()
                .is_some_and(|key| key.starts_with(prefix))
    }

    /// The GS1 key from its company prefix on. A GTIN-8 has no company prefix: `None`.
    #[must_use]
    pub fn gs1_prefix_digits(&self) -> Option<&str> {
        let (code, value, _) = self.gs1_parts()?;
        match code {
            "01" | "8006" if value.starts_with("000000") => None,
            "00" | "01" | "8003" | "8006" => value.get(1..),
            _ => Some(value),
        }
    }

    /// Whose own lot or own product this is.
    #[must_use]
    pub fn own_lot_handle(&self) -> Option<Handle> {
        Handle::parse(self.own_parts()?.first()?)
    }

    /// The handle of a participant's identifier.
    #[must_use]
    pub fn participant_handle(&self) -> Option<Handle> {
        Handle::parse(self.uri.strip_prefix("urn:suyuan:participant:")?)
    }

    /// Who opened the case that this names.
    #[must_use]
    pub fn case_handle(&self) -> Option<Handle> {
        let rest = self.uri.strip_prefix("urn:suyuan:case:")?;
        Handle::parse(rest.split(':').next()?)
    }

    /// The region written inside a unified social credit code or food production licence.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        let code = self.uri.rsplit(':').next()?;
        if self.kind == Kind::Uscc {
            Region::parse(code.get(2..8)?)
        } else if self.kind == Kind::FoodProductionLicence {
            Region::parse(code.get(5..11)?)
        } else {
            None
        }
    }

    /// What stands in print beside a code: `(01)06901234567892(10)A1`, a number, or the URI.
    #[must_use]
    pub fn human_readable(&self) -> String {
        let decode = |text: &str| percent::decode(text).unwrap_or_else(|_| text.to_owned());
        if let Some((code, value, finer)) = self.gs1_parts() {
            let finer = finer.map(|(code, value)| format!("({code}){}", decode(value)));
            return format!("({code}){}{}", decode(value), finer.unwrap_or_default());
        }
        if let Some(parts) = self.own_parts() {
            let shown: Vec<String> = parts.iter().skip(1).map(|part| decode(part)).collect();
            return shown.join(" / ");
        }
        if self.kind == Kind::Opaque {
            return self.uri.clone();
        }
        self.uri.rsplit(':').next().unwrap_or(&self.uri).to_owned()
    }

    /// Key, value and finer level of a canonical Digital Link, still percent-encoded.
    fn gs1_parts(&self) -> Option<Gs1Parts<'_>> {
        if self.kind == Kind::Opaque {
            return None;
        }
        let mut segments = self.uri.strip_prefix("https://id.gs1.org/")?.split('/');
        let (code, value) = (segments.next()?, segments.next()?);
        Some((code, value, segments.next().zip(segments.next())))
    }

    /// Handle, product and lot, still percent-encoded, of our own lots and products.
    fn own_parts(&self) -> Option<Vec<&str>> {
        let rest = self
            .uri
            .strip_prefix("urn:suyuan:lot:")
            .or_else(|| self.uri.strip_prefix("urn:suyuan:product:"))?;
        Some(rest.split(':').collect())
    }
}

/// Application identifier, value, and the finer level with its value.
type Gs1Parts<'a> = (&'a str, &'a str, Option<(&'a str, &'a str)>);

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}<{}>", self.kind.name(), self.uri)
    }
}

/// Any absolute URI or IRI (RFC 3986 §4.3): a scheme, a colon, and nothing that cannot be seen.
fn opaque(text: &str) -> Result<Identifier, IdentifierError> {
    let (scheme, rest) = text.split_once(':').ok_or(IdentifierError::NotAUri)?;
    let letters = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let named =
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(letters);
    if !named || rest.is_empty() {
        return Err(IdentifierError::NotAUri);
    }
    let unseen = |c: &char| c.is_whitespace() || c.is_control() || is_invisible(*c);
    if let Some(character) = rest.chars().find(unseen) {
        return Err(IdentifierError::BadCharacter {
            field: "a URI".to_owned(),
            character,
        });
    }
    Ok(Identifier {
        uri: text.to_owned(),
        kind: Kind::Opaque,
    })
}

/// Zero-width and direction marks: never part of a code, often copied with one.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

/// `text` without `prefix`, whose case does not matter.
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests;
