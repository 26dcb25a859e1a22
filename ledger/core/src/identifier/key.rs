//! The GS1 keys that name things, their qualifiers, and the finest level that we keep.

use super::{
    Identifier, IdentifierError, Kind,
    ai::{self, Ai},
    percent,
};

/// One primary key of GS1 Digital Link URI Syntax §4.
#[derive(Debug)]
pub(super) struct Key {
    /// Application identifier.
    pub(super) code: &'static str,
    /// What it names without a qualifier.
    pub(super) kind: Kind,
    /// The short name of Digital Link 1.0: read, never written.
    name: &'static str,
    /// The orders in which qualifiers may follow; any may be left out.
    orders: &'static [&'static [&'static str]],
    /// The qualifiers that make another thing, finest first; all others are dropped.
    finest: &'static [(&'static str, Kind)],
}

const fn plain(code: &'static str, name: &'static str, kind: Kind) -> Key {
    Key {
        code,
        kind,
        name,
        orders: &[],
        finest: &[],
    }
}

/// The keys, in the order in which they name what a label stands on: the pallet before its goods.
pub(super) static KEYS: &[Key] = &[
    plain("00", "sscc", Kind::Sscc),
    Key {
        orders: &[&["22", "10", "21"], &["235"]],
        finest: &[
            ("21", Kind::Serial),
            ("235", Kind::ThirdPartySerial),
            ("10", Kind::Lot),
        ],
        ..plain("01", "gtin", Kind::Gtin)
    },
    Key {
        orders: &[&["22", "10", "21"]],
        finest: &[("21", Kind::Piece), ("10", Kind::Piece)],
        ..plain("8006", "itip", Kind::Piece)
    },
    plain("253", "gdti", Kind::Document),
    plain("255", "gcn", Kind::Coupon),
    plain("8003", "grai", Kind::ReturnableAsset),
    Key {
        orders: &[&["7040"]],
        ..plain("8004", "giai", Kind::IndividualAsset)
    },
    Key {
        orders: &[&["8011"]],
        finest: &[("8011", Kind::Component)],
        ..plain("8010", "cpid", Kind::Component)
    },
    plain("8013", "gmn", Kind::Model),
    Key {
        orders: &[&["8019"]],
        ..plain("8017", "gsrnp", Kind::Service)
    },
    Key {
        orders: &[&["8019"]],
        ..plain("8018", "gsrn", Kind::Service)
    },
    plain("401", "ginc", Kind::Consignment),
    plain("402", "gsin", Kind::Shipment),
    Key {
        orders: &[&["254"], &["7040"]],
        finest: &[("254", Kind::Location)],
        ..plain("414", "gln", Kind::Location)
    },
    Key {
        orders: &[&["7040"]],
        ..plain("417", "party", Kind::Party)
    },
    Key {
        orders: &[&["8020"]],
        finest: &[("8020", Kind::Payment)],
        ..plain("415", "payTo", Kind::Payment)
    },
];

/// Short names of qualifiers in Digital Link 1.0.
const QUALIFIER_NAMES: [(&str, &str); 7] = [
    ("cpv", "22"),
    ("lot", "10"),
    ("ser", "21"),
    ("glnx", "254"),
    ("cpsn", "8011"),
    ("srin", "8019"),
    ("refno", "8020"),
];

/// The code of a qualifier, from its code or short name.
pub(super) fn qualifier_code(text: &str) -> &str {
    QUALIFIER_NAMES
        .iter()
        .find(|(name, _)| *name == text)
        .map_or(text, |(_, code)| code)
}

impl Key {
    /// The key with exactly this application identifier.
    pub(super) fn by_code(code: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.code == code)
    }

    /// The key of a path segment: its code or its short name.
    pub(super) fn by_segment(segment: &str) -> Option<&'static Self> {
        KEYS.iter()
            .find(|key| key.code == segment || key.name == segment)
    }

    /// The value in its one form: a GTIN of 8, 12 or 13 digits gets its leading zeros.
    pub(super) fn value(&self, value: &str) -> Result<String, IdentifierError> {
        let padded = if self.code == "01" && [8, 12, 13].contains(&value.len()) {
            format!("{value:0>14}")
        } else {
            value.to_owned()
        };
        let ai = Ai::find(self.code).expect("each key is in the table");
        ai.validate(self.code, &padded)?;
        // These begin with a company prefix, of four digits at least.
        let prefixed = ["401", "8004", "8010", "8013"].contains(&self.code);
        if prefixed && let Some(character) = padded.chars().take(4).find(|c| !c.is_ascii_digit()) {
            return Err(IdentifierError::BadCharacter {
                field: ai::field(self.code),
                character,
            });
        }
        if prefixed && padded.len() < 5 {
            let (_, max) = ai.lengths();
            let (field, length) = (ai::field(self.code), padded.len());
            return Err(IdentifierError::BadLength {
                field,
                length,
                min: 5,
                max,
            });
        }
        if self.code == "8003" && !padded.starts_with('0') {
            let character = padded.chars().next().unwrap_or('0');
            return Err(IdentifierError::BadCharacter {
                field: ai::field(self.code),
                character,
            });
        }
        Ok(padded)
    }

    /// Whether `code` qualifies this key at all.
    pub(super) fn allows(&self, code: &str) -> bool {
        self.orders.iter().any(|order| order.contains(&code))
    }

    /// Whether `codes` stand in an allowed order.
    pub(super) fn check_order(&self, codes: &[&str]) -> Result<(), IdentifierError> {
        let mut longest = 0;
        for order in self.orders {
            let mut left = order.iter();
            let fits = codes
                .iter()
                .take_while(|code| left.any(|allowed| allowed == *code))
                .count();
            longest = longest.max(fits);
        }
        match codes.get(longest) {
            None => Ok(()),
            Some(qualifier) => Err(IdentifierError::QualifierOrder {
                key: self.code.to_owned(),
                qualifier: (*qualifier).to_owned(),
            }),
        }
    }

    /// The identifier of a valid value and of those `elements` that qualify this key.
    pub(super) fn identifier(
        &self,
        value: &str,
        elements: &[(String, String)],
    ) -> Result<Identifier, IdentifierError> {
        let value = self.value(value)?;
        for (code, qualifier) in elements.iter().filter(|(code, _)| self.allows(code)) {
            if let Some(ai) = Ai::find(code) {
                ai.validate(code, qualifier)?;
            }
        }
        let mut uri = format!(
            "https://id.gs1.org/{}/{}",
            self.code,
            percent::encode_gs1(&value)
        );
        let mut kind = self.kind;
        let finest = self.finest.iter().find_map(|(code, kind)| {
            elements
                .iter()
                .find(|(found, _)| found == code)
                .map(|(_, value)| (code, value, kind))
        });
        if let Some((code, qualifier, finer)) = finest {
            uri = format!("{uri}/{code}/{}", percent::encode_gs1(qualifier));
            kind = *finer;
        }
        Ok(Identifier { uri, kind })
    }
}
