//! Who may see what of an event: one function, from who reads and whom it concerns.
//!
//! | reader | sees |
//! |---|---|
//! | anyone | [`Sight::Outline`] |
//! | a party to it (source, destination) | [`Sight::Confidential`] |
//! | its issuer, and whoever signed for it | [`Sight::Personal`] |
//! | an authority over its issuer | [`Sight::Personal`] |
//! | an authority or regulator over its issuer or a party | [`Sight::Confidential`] |
//! | a partner | what an authority's agreement says |
//!
//! Two more rules need the whole story and stand where it is told: what everyone sees in full
//! ([`open`]), and that a holder sees by name through whose hands the goods came to it
//! ([`crate::provenance`]). [`shown`] takes out of an answer what its reader may not see.
//!
//! **Invariants:** the more a reader may see, the greater its [`Sight`]; nothing here reads a
//! clock, and nothing a caller claims without proof counts: a [`Bearer`] is had from a token only.

use crate::ids::Handle;
use crate::state::Role;
use crate::token::Bearer;

mod agreement;
pub mod open;
pub mod record;
pub mod shown;

pub use agreement::{Agreement, agreement_item};

/// How much of an event a reader may see. Each holds all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// What, on which day, in which district, by whom by role: no stable name of anyone, unless
    /// everyone may see the event in full.
    Outline,
    /// The public part: parties and places by name.
    Named,
    /// Confidential parts too.
    Confidential,
    /// Personal parts too.
    Personal,
}

impl Sight {
    /// The word in an agreement and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Outline => "outline",
            Self::Named => "named",
            Self::Confidential => "confidential",
            Self::Personal => "personal",
        }
    }

    /// The sight of that word; an outline needs no leave and is no word of an agreement.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Named, Self::Confidential, Self::Personal]
            .into_iter()
            .find(|sight| sight.word() == word)
    }
}

/// Who reads.
#[derive(Clone, Debug)]
pub enum Reader {
    /// Anyone.
    Public,
    /// A participant who proved who it is.
    Bearer(Box<Entitled>),
    /// The node's own computations, of which no rule reads a personal part; their results are
    /// limited by [`shown`] before anyone sees them.
    Confidential,
    /// Whoever has the ledger's files.
    All,
}

/// A proved participant with what the ledger grants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitled {
    /// Who.
    pub bearer: Bearer,
    /// Agreements in force with it.
    pub agreements: Vec<Agreement>,
    /// The most it wants to see now: what is not asked for is not read, and not recorded as read.
    pub wants: Sight,
}

impl Reader {
    /// The participant that reads, if one proved who it is.
    #[must_use]
    pub fn bearer(&self) -> Option<&Bearer> {
        match self {
            Self::Bearer(entitled) => Some(&entitled.bearer),
            Self::Public | Self::Confidential | Self::All => None,
        }
    }
}

/// A participant as an event concerns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Who.
    pub handle: Handle,
    /// Its district, GB/T 2260; empty where nobody knows it.
    pub district: String,
}

/// Whom an event concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// On whose behalf it was said.
    pub issuer: Party,
    /// Whose key signed.
    pub signer: Handle,
    /// Those it names as source or destination, owners among them.
    pub parties: Vec<Party>,
}

/// How much of an event `reader` may see.
#[must_use]
pub fn sight(reader: &Reader, concern: &Concern) -> Sight {
    match reader {
        Reader::Public => Sight::Outline,
        Reader::Confidential => Sight::Confidential,
        Reader::All => Sight::Personal,
        Reader::Bearer(entitled) => entitled.sight(concern),
    }
}

impl Entitled {
    /// Never more than it wants; names need no asking.
    fn sight(&self, concern: &Concern) -> Sight {
        let may = self.own(concern).max(self.agreed(concern));
        may.min(self.wants.max(Sight::Named))
    }

    fn own(&self, concern: &Concern) -> Sight {
        let me = self.bearer.handle();
        let said = me == concern.issuer.handle || me == concern.signer;
        let authority =
            self.bearer.roles().has(Role::Authority) && self.governs(&concern.issuer.district);
        if said || authority {
            Sight::Personal
        } else if concern.all().any(|party| self.concerns(party)) {
            Sight::Confidential
        } else {
            Sight::Outline
        }
    }

    /// Whether it is this party, or has a say over it.
    fn concerns(&self, party: &Party) -> bool {
        party.handle == self.bearer.handle() || self.governs(&party.district)
    }

    /// What agreements show of it. Personal parts are their issuer's, so that an agreement over
    /// another party does not reach them.
    fn agreed(&self, concern: &Concern) -> Sight {
        let of_issuer = self.agreements.iter();
        let of_issuer = of_issuer.filter(|agreement| agreement.reaches(&concern.issuer));
        let of_party = self.agreements.iter();
        let of_party =
            of_party.filter(|agreement| concern.parties.iter().any(|one| agreement.reaches(one)));
        let most = of_issuer.map(|agreement| agreement.parts).max();
        let most_of_party = of_party
            .map(|agreement| agreement.parts.min(Sight::Confidential))
            .max();
        most.max(most_of_party).unwrap_or(Sight::Outline)
    }

    /// Whether it may know this participant by name wherever it appears: itself, whoever is in its
    /// jurisdiction, and whom an agreement names.
    #[must_use]
    pub fn knows(&self, party: &Party) -> bool {
        self.concerns(party) || self.agreements.iter().any(|one| one.reaches(party))
    }

    fn governs(&self, district: &str) -> bool {
        governs(&self.bearer, district)
    }
}

/// Whether `bearer` is an authority or regulator whose jurisdiction holds `district`.
#[must_use]
pub fn governs(bearer: &Bearer, district: &str) -> bool {
    let office = bearer.roles().has(Role::Authority) || bearer.roles().has(Role::Regulator);
    office && covers(bearer.district(), district)
}

impl Concern {
    /// Issuer and parties.
    pub fn all(&self) -> impl Iterator<Item = &Party> {
        std::iter::once(&self.issuer).chain(&self.parties)
    }
}

/// Whether a jurisdiction holds a district (GB/T 2260: two digits a level; `00` leaves a level
/// open). An unknown district is in none.
#[must_use]
pub fn covers(jurisdiction: &str, district: &str) -> bool {
    let mut over = jurisdiction;
    while let Some(open) = over.strip_suffix("00") {
        over = open;
    }
    !over.is_empty() && district.starts_with(over)
}

#[cfg(test)]
mod tests;
