//! Names instead of codes: what an answer's identifiers are called, in the reader's language.

use super::{Lang, elsewhere};
use ledger::access::shown::{UNNAMED, is_numbered};
use ledger::identifier::{Identifier, Kind, Region};
use ledger::ids::Handle;
use ledger::provenance::Answer;
use ledger::provenance::answer::{Party, Product, Text};
use ledger_web::catalogue::{self, Key};
use std::collections::BTreeMap;

/// Longest name shown, in characters: some four lines on a narrow phone, and a bound on what one
/// step can add to a page.
const NAME_CHARS_MAX: usize = 80;

/// A name, and its language where that is not the page's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// The name.
    pub text: String,
    /// `zh` or `en`, where a screen reader must switch.
    pub lang: Option<&'static str>,
}

impl Name {
    /// The text in the reader's language, or in the other one if that is all there is.
    pub(crate) fn of(lang: Lang, text: &Text) -> Option<Self> {
        let (own, other) = match lang {
            Lang::Zh => (&text.zh, &text.en),
            Lang::En => (&text.en, &text.zh),
        };
        let (text, lang) = if own.trim().is_empty() {
            (other, Some(lang.other().tag()))
        } else {
            (own, None)
        };
        let text = shorten(text.trim());
        (!text.is_empty()).then_some(Self { text, lang })
    }

    /// As [`Name::of`], for a paragraph: as long as the ledger takes it.
    pub(crate) fn long(lang: Lang, text: &Text) -> Option<Self> {
        let mut name = Self::of(lang, text)?;
        let whole = match (name.lang, lang) {
            (None, Lang::Zh) | (Some(_), Lang::En) => &text.zh,
            (None, Lang::En) | (Some(_), Lang::Zh) => &text.en,
        };
        whole.trim().clone_into(&mut name.text);
        Some(name)
    }

    pub(crate) fn own(lang: Lang, key: Key) -> Self {
        Self {
            text: lang.t(key).to_owned(),
            lang: None,
        }
    }
}

/// At most [`NAME_CHARS_MAX`] characters.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(NAME_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The reader's half of a text that holds both languages, `散装 / loose`; any other text as it is.
pub(crate) fn half(lang: Lang, text: &str) -> String {
    let han = |text: &str| {
        text.chars()
            .any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
    };
    let half = match (text.split_once(" / "), lang) {
        (Some((zh, en)), Lang::Zh) if han(zh) && !han(en) => zh,
        (Some((zh, en)), Lang::En) if han(zh) && !han(en) => en,
        _ => text,
    };
    shorten(half.trim())
}

/// The district's name, or nothing for one that is not on our list.
pub(crate) fn district(lang: Lang, code: &str) -> Option<&'static str> {
    Region::parse(code)?.name(lang.tag())
}

/// A party as a step shows it.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub name: Name,
    /// Roles in words.
    pub roles: String,
    /// The participant's page.
    pub href: String,
    pub suspended: bool,
}

/// Looks up what an answer names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    pub answer: &'a Answer,
    pub lang: Lang,
    pub whole: Whole<'a>,
    /// Whether the answer is another log's, whose participants have no page here.
    pub abroad: bool,
}

/// The chain that an answer is a part of, or is the whole of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<'a> {
    /// What was answered here, with the parts of other logs.
    pub answer: &'a Answer,
    /// The origin of the log that was asked.
    pub here: &'a str,
    /// What other regions are called, by the origins of their logs.
    pub regions: &'a BTreeMap<String, Text>,
}

impl<'a> Names<'a> {
    /// The region of a log; the log's own name where nobody has named that.
    pub(crate) fn region(self, log: &str) -> Name {
        let named = self.whole.regions.get(log);
        let name = named.and_then(|name| Name::of(self.lang, name));
        name.unwrap_or_else(|| Name {
            text: shorten(log),
            lang: None,
        })
    }

    fn party(self, handle: Handle) -> Option<&'a Party> {
        self.answer.participants.get(&handle)
    }

    pub(crate) fn signer(self, handle: Handle) -> Signer {
        let party = self.party(handle);
        if is_numbered(handle) {
            return Signer {
                name: self.unnamed(party),
                roles: String::new(),
                href: String::new(),
                suspended: false,
            };
        }
        Signer {
            name: party
                .and_then(|party| Name::of(self.lang, &party.name))
                .unwrap_or_else(|| Name::own(self.lang, Key::PartyUnnamed)),
            roles: party
                .map(|party| roles(self.lang, party))
                .unwrap_or_default(),
            href: if self.abroad {
                String::new()
            } else {
                format!("/participants/{handle}?lang={}", self.lang.tag())
            },
            suspended: party.is_some_and(|party| party.suspended),
        }
    }

    /// One who is not named here: what it does, and in which district.
    fn unnamed(self, party: Option<&Party>) -> Name {
        let place = party.and_then(|party| district(self.lang, &party.district));
        let does = party.map(|party| roles(self.lang, party));
        let said = [
            place.unwrap_or_default(),
            does.as_deref().unwrap_or_default(),
        ];
        let text = join(said.into_iter());
        if text.is_empty() {
            return Name::own(self.lang, Key::PartyWithheld);
        }
        Name { text, lang: None }
    }

    /// The product that an item is one of. Other regions' logs know theirs.
    pub(crate) fn product(self, item: &str) -> Option<&'a Product> {
        let product = Identifier::parse(item).ok().and_then(|item| item.product());
        let in_answer = |answer: &'a Answer| answer.products.get(product.as_ref()?.as_str());
        let own = in_answer(self.answer);
        let own = own.or_else(|| {
            let parts = elsewhere::proved(self.whole.answer).map(|part| &part.answer);
            std::iter::once(self.whole.answer)
                .chain(parts)
                .find_map(in_answer)
        });
        own.or_else(|| self.answer.products.get(item)).or_else(|| {
            let subject = self.answer.subject.product.as_ref()?;
            (item == self.answer.item).then(|| self.answer.products.get(subject))?
        })
    }

    pub(crate) fn product_name(self, item: &str) -> Option<Name> {
        Name::of(self.lang, &self.product(item)?.name)
    }

    /// What to call an item: its product, or what kind of thing it is.
    pub(crate) fn thing(self, item: &str) -> Name {
        self.product_name(item).unwrap_or_else(|| {
            let kind = Identifier::parse(item).ok().map(|item| item.kind());
            let key = if kind == Some(Kind::Sscc) || kind == Some(Kind::ReturnableAsset) {
                Key::ThingPallet
            } else if kind == Some(Kind::IndividualAsset) {
                Key::ThingVehicle
            } else {
                Key::ThingUnnamed
            };
            Name::own(self.lang, key)
        })
    }

    /// A place's name, or what kind of place it is, and its district.
    pub(crate) fn place(self, id: &str) -> (Name, &'static str) {
        let Some(place) = self.answer.places.get(id) else {
            // Whoever has no location number says where it was by who it is.
            let own = Identifier::parse(id)
                .ok()
                .and_then(|id| self.party(id.participant_handle()?));
            let name = own.and_then(|party| Name::of(self.lang, &party.name));
            let at = own.and_then(|party| district(self.lang, &party.district));
            let unnamed = || Name::own(self.lang, Key::PlaceUnnamed);
            return (name.unwrap_or_else(unnamed), at.unwrap_or_default());
        };
        let name = Name::of(self.lang, &place.name).unwrap_or_else(|| {
            let kind = catalogue::place_kind(&place.kind);
            let other = if id.starts_with(UNNAMED) {
                Key::PlaceWithheld
            } else {
                Key::PlaceUnnamed
            };
            Name::own(self.lang, kind.unwrap_or(other))
        });
        (
            name,
            district(self.lang, &place.district).unwrap_or_default(),
        )
    }

    /// Who is meant by a break's or finding's `whose`: a handle, a participant's identifier, or a
    /// party's or place's.
    pub(crate) fn whose(self, id: &str) -> Name {
        let participant = Identifier::parse(id)
            .ok()
            .and_then(|id| id.participant_handle());
        let handle = Handle::parse(id).or(participant);
        let party = handle.and_then(|handle| self.party(handle));
        if handle.is_some_and(is_numbered) {
            return self.unnamed(party);
        }
        if id.starts_with(UNNAMED) {
            return Name::own(self.lang, Key::PartyWithheld);
        }
        let name = party.map(|party| &party.name);
        let name = name.or_else(|| self.answer.places.get(id).map(|place| &place.name));
        name.and_then(|name| Name::of(self.lang, name))
            .unwrap_or_else(|| Name::own(self.lang, Key::PartyUnnamed))
    }
}

/// A party's roles in words.
pub(crate) fn roles(lang: Lang, party: &Party) -> String {
    let words: Vec<&str> = party
        .roles
        .iter()
        .map(|role| lang.t(catalogue::role(*role)))
        .collect();
    words.join(lang.t(Key::And))
}

/// Words set apart by a middle dot.
pub(crate) fn join<'t>(words: impl Iterator<Item = &'t str>) -> String {
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

/// What tells an item from others of its product in print: its lot or serial number; of what has
/// neither, all that stands beside the code.
pub(crate) fn number(item: &str) -> String {
    let identifier = Identifier::parse(item).ok();
    let number = identifier.and_then(|item| item.lot().or_else(|| item.serial()));
    number.map_or_else(|| printed(item), |number| shorten(&number))
}

/// What stands in print beside the code: `(01)…(10)…`, or the identifier itself.
pub(crate) fn printed(item: &str) -> String {
    let text = Identifier::parse(item).map(|item| item.human_readable());
    shorten(&text.unwrap_or_else(|_| item.to_owned()))
}
