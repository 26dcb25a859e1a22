//! The GS1 application identifiers: format, whether a separator follows, whether a Digital Link
//! may carry them in its query. A test compares each row with the GS1 Barcode Syntax Dictionary.
//!
//! Source: GS1 General Specifications §3.

use super::{IdentifierError, Kind, check, key::Key};
use std::fmt;

/// Which characters a part may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// Digits.
    N,
    /// CSET 82: what a GS1 barcode can carry.
    X,
    /// CSET 39: upper-case letters, digits, `# - /`.
    Y,
    /// base64url.
    Z,
}

impl Set {
    fn holds(self, character: char) -> bool {
        match self {
            Self::N => character.is_ascii_digit(),
            Self::X => {
                character.is_ascii_alphanumeric() || "!\"%&'()*+,-./:;<=>?_".contains(character)
            }
            Self::Y => {
                character.is_ascii_digit()
                    || character.is_ascii_uppercase()
                    || "#-/".contains(character)
            }
            Self::Z => character.is_ascii_alphanumeric() || "-_=".contains(character),
        }
    }
}

/// One part of a value: `N6`, `X..20`, `[N4]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    set: Set,
    min: usize,
    max: usize,
    optional: bool,
}

impl fmt::Display for Part {
    /// The dictionary's spelling.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dots = if self.min == self.max { "" } else { ".." };
        let (open, close) = if self.optional { ("[", "]") } else { ("", "") };
        write!(f, "{open}{:?}{dots}{}{close}", self.set, self.max)
    }
}

const fn part(set: Set, min: usize, max: usize, optional: bool) -> Part {
    Part {
        set,
        min,
        max,
        optional,
    }
}
/// Exactly `length` digits.
const fn n(length: usize) -> Part {
    part(Set::N, length, length, false)
}
/// One to `max` digits.
const fn n_to(max: usize) -> Part {
    part(Set::N, 1, max, false)
}
/// Exactly `length` characters of CSET 82.
const fn x(length: usize) -> Part {
    part(Set::X, length, length, false)
}
/// One to `max` characters of CSET 82.
const fn x_to(max: usize) -> Part {
    part(Set::X, 1, max, false)
}
/// `inner`, or nothing.
const fn opt(inner: Part) -> Part {
    Part {
        optional: true,
        ..inner
    }
}

/// One application identifier, or a run of them that differ in the last digits only.
#[derive(Debug)]
pub(super) struct Ai {
    /// `01`, or `3100-3105`.
    codes: &'static str,
    /// Of predefined length: no separator follows it in a barcode.
    pub(super) predefined: bool,
    /// May stand in the query of a Digital Link.
    pub(super) query: bool,
    /// The leading characters that a GS1 check digit closes; 0 where there is none.
    check: usize,
    parts: &'static [Part],
}

const fn row(codes: &'static str, flags: &'static str, check: usize, parts: &'static [Part]) -> Ai {
    let flags = flags.as_bytes();
    let mut ai = Ai {
        codes,
        predefined: false,
        query: false,
        check,
        parts,
    };
    let mut at = 0;
    while at < flags.len() {
        match flags[at] {
            b'*' => ai.predefined = true,
            _ => ai.query = true,
        }
        at += 1;
    }
    ai
}

/// Flags as in the dictionary: `*` predefined length, `?` allowed in a Digital Link's query.
static TABLE: &[Ai] = &[
    row("00", "*?", 18, &[n(18)]),
    row("01", "*?", 14, &[n(14)]),
    row("02", "*?", 14, &[n(14)]),
    row("03", "*", 14, &[n(14)]),
    row("10", "?", 0, &[x_to(20)]),
    row("11", "*?", 0, &[n(6)]),
    row("12", "*?", 0, &[n(6)]),
    row("13", "*?", 0, &[n(6)]),
    row("15", "*?", 0, &[n(6)]),
    row("16", "*?", 0, &[n(6)]),
    row("17", "*?", 0, &[n(6)]),
    row("20", "*?", 0, &[n(2)]),
    row("21", "", 0, &[x_to(20)]),
    row("22", "", 0, &[x_to(20)]),
    row("235", "", 0, &[x_to(28)]),
    row("240", "?", 0, &[x_to(30)]),
    row("241", "?", 0, &[x_to(30)]),
    row("242", "?", 0, &[n_to(6)]),
    row("243", "?", 0, &[x_to(20)]),
    row("250", "?", 0, &[x_to(30)]),
    row("251", "?", 0, &[x_to(30)]),
    row("253", "?", 13, &[n(13), opt(x_to(17))]),
    row("254", "", 0, &[x_to(20)]),
    row("255", "?", 13, &[n(13), opt(n_to(12))]),
    row("30", "?", 0, &[n_to(8)]),
    row("3100-3105", "*?", 0, &[n(6)]),
    row("3110-3115", "*?", 0, &[n(6)]),
    row("3120-3125", "*?", 0, &[n(6)]),
    row("3130-3135", "*?", 0, &[n(6)]),
    row("3140-3145", "*?", 0, &[n(6)]),
    row("3150-3155", "*?", 0, &[n(6)]),
    row("3160-3165", "*?", 0, &[n(6)]),
    row("3200-3205", "*?", 0, &[n(6)]),
    row("3210-3215", "*?", 0, &[n(6)]),
    row("3220-3225", "*?", 0, &[n(6)]),
    row("3230-3235", "*?", 0, &[n(6)]),
    row("3240-3245", "*?", 0, &[n(6)]),
    row("3250-3255", "*?", 0, &[n(6)]),
    row("3260-3265", "*?", 0, &[n(6)]),
    row("3270-3275", "*?", 0, &[n(6)]),
    row("3280-3285", "*?", 0, &[n(6)]),
    row("3290-3295", "*?", 0, &[n(6)]),
    row("3300-3305", "*?", 0, &[n(6)]),
    row("3310-3315", "*?", 0, &[n(6)]),
    row("3320-3325", "*?", 0, &[n(6)]),
    row("3330-3335", "*?", 0, &[n(6)]),
    row("3340-3345", "*?", 0, &[n(6)]),
    row("3350-3355", "*?", 0, &[n(6)]),
    row("3360-3365", "*?", 0, &[n(6)]),
    row("3370-3375", "*?", 0, &[n(6)]),
    row("3400-3405", "*?", 0, &[n(6)]),
    row("3410-3415", "*?", 0, &[n(6)]),
    row("3420-3425", "*?", 0, &[n(6)]),
    row("3430-3435", "*?", 0, &[n(6)]),
    row("3440-3445", "*?", 0, &[n(6)]),
    row("3450-3455", "*?", 0, &[n(6)]),
    row("3460-3465", "*?", 0, &[n(6)]),
    row("3470-3475", "*?", 0, &[n(6)]),
    row("3480-3485", "*?", 0, &[n(6)]),
    row("3490-3495", "*?", 0, &[n(6)]),
    row("3500-3505", "*?", 0, &[n(6)]),
    row("3510-3515", "*?", 0, &[n(6)]),
    row("3520-3525", "*?", 0, &[n(6)]),
    row("3530-3535", "*?", 0, &[n(6)]),
    row("3540-3545", "*?", 0, &[n(6)]),
    row("3550-3555", "*?", 0, &[n(6)]),
    row("3560-3565", "*?", 0, &[n(6)]),
    row("3570-3575", "*?", 0, &[n(6)]),
    row("3600-3605", "*?", 0, &[n(6)]),
    row("3610-3615", "*?", 0, &[n(6)]),
    row("3620-3625", "*?", 0, &[n(6)]),
    row("3630-3635", "*?", 0, &[n(6)]),
    row("3640-3645", "*?", 0, &[n(6)]),
    row("3650-3655", "*?", 0, &[n(6)]),
    row("3660-3665", "*?", 0, &[n(6)]),
    row("3670-3675", "*?", 0, &[n(6)]),
    row("3680-3685", "*?", 0, &[n(6)]),
    row("3690-3695", "*?", 0, &[n(6)]),
    row("37", "?", 0, &[n_to(8)]),
    row("3900-3909", "?", 0, &[n_to(15)]),
    row("3910-3919", "?", 0, &[n(3), n_to(15)]),
    row("3920-3929", "?", 0, &[n_to(15)]),
    row("3930-3939", "?", 0, &[n(3), n_to(15)]),
    row("3940-3943", "?", 0, &[n(4)]),
    row("3950-3955", "?", 0, &[n(6)]),
    row("400", "?", 0, &[x_to(30)]),
    row("401", "?", 0, &[x_to(30)]),
    row("402", "?", 17, &[n(17)]),
    row("403", "?", 0, &[x_to(30)]),
    row("410", "*?", 13, &[n(13)]),
    row("411", "*?", 13, &[n(13)]),
    row("412", "*?", 13, &[n(13)]),
    row("413", "*?", 13, &[n(13)]),
    row("414", "*?", 13, &[n(13)]),
    row("415", "*?", 13, &[n(13)]),
    row("416", "*?", 13, &[n(13)]),
    row("417", "*?", 13, &[n(13)]),
    row("420", "?", 0, &[x_to(20)]),
    row("421", "?", 0, &[n(3), x_to(9)]),
    row("422", "?", 0, &[n(3)]),
    row(
        "423",
        "?",
        0,
        &[n(3), opt(n(3)), opt(n(3)), opt(n(3)), opt(n(3))],
    ),
    row("424", "?", 0, &[n(3)]),
    row(
        "425",
        "?",
        0,
        &[n(3), opt(n(3)), opt(n(3)), opt(n(3)), opt(n(3))],
    ),
    row("426", "?", 0, &[n(3)]),
    row("427", "?", 0, &[x_to(3)]),
    row("4330", "?", 0, &[n(6), opt(x(1))]),
    row("4331", "?", 0, &[n(6), opt(x(1))]),
    row("4332", "?", 0, &[n(6), opt(x(1))]),
    row("4333", "?", 0, &[n(6), opt(x(1))]),
    row("7001", "?", 0, &[n(13)]),
    row("7002", "?", 0, &[x_to(30)]),
    row("7003", "?", 0, &[n(6), n(4)]),
    row("7004", "?", 0, &[n_to(4)]),
    row("7005", "?", 0, &[x_to(12)]),
    row("7006", "?", 0, &[n(6)]),
    row("7007", "?", 0, &[n(6), opt(n(6))]),
    row("7008", "?", 0, &[x_to(3)]),
    row("7009", "?", 0, &[x_to(10)]),
    row("7010", "?", 0, &[x_to(2)]),
    row("7011", "?", 0, &[n(6), opt(n(4))]),
    row("7020", "?", 0, &[x_to(20)]),
    row("7021", "?", 0, &[x_to(20)]),
    row("7022", "?", 0, &[x_to(20)]),
    row("7023", "?", 0, &[x_to(30)]),
    row("7030-7039", "?", 0, &[n(3), x_to(27)]),
    row("7040", "", 0, &[n(1), x(1), x(1), x(1)]),
    row("7041", "", 0, &[x_to(4)]),
    row("710-717", "?", 0, &[x_to(20)]),
    row("7230-7239", "?", 0, &[x(2), x_to(28)]),
    row("8001", "?", 0, &[n(4), n(5), n(3), n(1), n(1)]),
    row("8002", "?", 0, &[x_to(20)]),
    row("8003", "?", 14, &[n(1), n(13), opt(x_to(16))]),
    row("8004", "?", 0, &[x_to(30)]),
    row("8005", "?", 0, &[n(6)]),
    row("8006", "?", 14, &[n(14), n(4)]),
    row("8008", "?", 0, &[n(6), n(2), opt(n(2)), opt(n(2))]),
    row("8010", "?", 0, &[part(Set::Y, 1, 30, false)]),
    row("8011", "", 0, &[n_to(12)]),
    row("8012", "?", 0, &[x_to(20)]),
    row("8013", "?", 0, &[x_to(25)]),
    row("8017", "?", 18, &[n(18)]),
    row("8018", "?", 18, &[n(18)]),
    row("8019", "", 0, &[n_to(10)]),
    row("8020", "", 0, &[x_to(25)]),
    row("8026", "?", 14, &[n(14), n(4)]),
    row("8030", "?", 0, &[part(Set::Z, 1, 90, false)]),
    row("8200", "", 0, &[x_to(70)]),
    row("90", "?", 0, &[x_to(30)]),
    row("91-99", "?", 0, &[x_to(90)]),
];

impl Ai {
    /// The row of exactly this code.
    pub(super) fn find(code: &str) -> Option<&'static Self> {
        TABLE.iter().find(|ai| match ai.codes.split_once('-') {
            None => ai.codes == code,
            // Same length, so that the order of texts is the order of numbers.
            Some((first, last)) => code.len() == first.len() && (first..=last).contains(&code),
        })
    }

    /// The code that `text` begins with, and its row. No code is the beginning of another.
    pub(super) fn at_start(text: &str) -> Option<(&str, &'static Self)> {
        (2..=4).find_map(|length| {
            let code = text.get(..length).filter(|code| is_digits(code))?;
            Self::find(code).map(|ai| (code, ai))
        })
    }

    /// Fewest and most characters of a value.
    pub(super) fn lengths(&self) -> (usize, usize) {
        let required = self.parts.iter().filter(|part| !part.optional);
        (
            required.map(|part| part.min).sum(),
            self.parts.iter().map(|part| part.max).sum(),
        )
    }

    /// Whether the value holds digits only.
    pub(super) fn is_numeric(&self) -> bool {
        self.parts.iter().all(|part| part.set == Set::N)
    }

    /// Checks characters, length and check digit of `value` under `code`.
    pub(super) fn validate(&self, code: &str, value: &str) -> Result<(), IdentifierError> {
        let (min, max) = self.lengths();
        let bad_length = |length| IdentifierError::BadLength {
            field: field(code),
            length,
            min,
            max,
        };
        let mut rest = value.chars();
        for part in self.parts {
            let mut taken = 0;
            for character in rest.by_ref().take(part.max) {
                if !part.set.holds(character) {
                    return Err(IdentifierError::BadCharacter {
                        field: field(code),
                        character,
                    });
                }
                taken += 1;
            }
            if taken < part.min && !(part.optional && taken == 0) {
                return Err(bad_length(value.chars().count()));
            }
        }
        if rest.next().is_some() {
            return Err(bad_length(value.chars().count()));
        }
        if self.check > 0
            && let (Some(body), Some(given)) = (
                value.get(..self.check - 1),
                value.chars().nth(self.check - 1),
            )
            && let Some(expected) = check::gs1(body).filter(|&expected| expected != given)
        {
            let kind = Key::by_code(code).map_or(Kind::Gtin, |key| key.kind);
            let kind = if code.starts_with("41") && kind == Kind::Gtin {
                Kind::Location
            } else {
                kind
            };
            return Err(IdentifierError::CheckDigit {
                kind,
                given,
                expected,
            });
        }
        Ok(())
    }
}

/// Whether `text` is one digit or more, and nothing else.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name of a field in an error.
pub(super) fn field(code: &str) -> String {
    let name = match code {
        "10" => "the batch/lot",
        "21" => "the serial number",
        _ => Key::by_code(code).map_or("the element", |key| key.kind.name()),
    };
    format!("{name} ({code})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeMap, path::Path};

    /// Each AI of the dictionary: flags, format, whether it has a check digit.
    fn dictionary(text: &str) -> BTreeMap<String, (String, String, bool)> {
        let mut all = BTreeMap::new();
        for line in text
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        {
            let line = line.split('#').next().unwrap();
            let mut words = line.split_whitespace().peekable();
            let codes = words.next().unwrap();
            let flags = words.next_if(|word| word.chars().all(|c| "*?".contains(c)));
            let specs: Vec<&str> = words
                .take_while(|word| word.starts_with(['N', 'X', 'Y', 'Z', '[']))
                .collect();
            let format: Vec<&str> = specs
                .iter()
                .map(|spec| spec.split(',').next().unwrap())
                .collect();
            let check = specs
                .iter()
                .any(|spec| spec.split(',').any(|word| word == "csum"));
            let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
            for code in first.parse::<u32>().unwrap()..=last.parse().unwrap() {
                let code = format!("{code:0width$}", width = first.len());
                let row = (flags.unwrap_or("").to_owned(), format.join(" "), check);
                all.insert(code, row);
            }
        }
        all
    }

    #[test]
    fn each_row_agrees_with_the_gs1_dictionary() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/vectors/gs1/gs1-syntax-dictionary.txt");
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("skipped: the GS1 syntax dictionary is not here");
            return;
        };
        let all = dictionary(&text);
        let mut met = 0;
        for (code, (flags, format, check)) in &all {
            let Some(ai) = Ai::find(code) else { continue };
            let ours: Vec<String> = ai.parts.iter().map(Part::to_string).collect();
            assert_eq!(&ours.join(" "), format, "{code}");
            assert_eq!(
                (ai.predefined, ai.query),
                (flags.contains('*'), flags.contains('?')),
                "{code}"
            );
            assert_eq!(ai.check > 0, *check, "{code}");
            met += 1;
        }
        assert!(met > 200, "only {met} of our codes are in the dictionary");
        for ai in TABLE {
            let first = ai.codes.split('-').next().unwrap();
            assert!(
                all.contains_key(first),
                "{first} is no GS1 application identifier"
            );
        }
    }

    #[test]
    fn no_code_is_the_beginning_of_another() {
        let codes: Vec<String> = (0..10_000)
            .flat_map(|code| {
                [
                    format!("{code:02}"),
                    format!("{code:03}"),
                    format!("{code:04}"),
                ]
            })
            .filter(|code| Ai::find(code).is_some())
            .collect();
        for code in &codes {
            assert_eq!(
                Ai::at_start(code).map(|(found, _)| found),
                Some(code.as_str())
            );
        }
    }
}
