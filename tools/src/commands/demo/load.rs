//! Everybody of the examples, and what they say: keys, admissions, master data, documents.

use super::city::Place;
use super::examples::{Examples, Source};
use crate::client::compose::Voice;
use crate::client::document;
use crate::client::keys::{self, Request, new_key};
use crate::client::ledger::{Answered, Ledger, send};
use crate::client::random::Random;
use crate::client::registry::{Profile, records};
use crate::client::signer::Signing;
use crate::exit::{Code, Failure};
use crate::text::Lang;
use ledger::cbor::Map;
use ledger::ids::{Handle, UnixMillis};
use ledger::registry::{Action, NewKey};
use ledger::signature::SigningKey;
use ledger::statement::SignedStatement;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Events in one statement: a document of the examples is one statement.
const GROUP: usize = 100;

/// Someone of the examples.
struct Member {
    key: SigningKey,
    handle: Handle,
    profile: Profile,
}

/// Everyone of one city's examples, by their key there.
pub(super) struct Cast {
    place: &'static Place,
    members: BTreeMap<String, Member>,
    dir: PathBuf,
    now: UnixMillis,
}

impl Cast {
    /// Reads the profiles and makes a key for each in `dir`.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn new(
        place: &'static Place,
        examples: &Examples,
        dir: &Path,
        now: UnixMillis,
    ) -> Result<Self, Failure> {
        let mut random = Random::default();
        let mut members = BTreeMap::new();
        let file = place.file("participants.json");
        for (name, profiles) in examples.records(&file, "key")? {
            let [profile] = profiles.as_slice() else {
                return Err(Failure::malformed(format!("{file}: {name} twice")));
            };
            let mut profile = Profile::read(profile)?;
            if name == place.authority {
                // The city's code ends in zeros; its jurisdiction is all codes that begin like it.
                profile.district = place.region.to_owned();
            }
            let handle = profile.handle.unwrap_or_else(|| random.handle());
            let path = dir.join(format!("{name}.key"));
            let key = keys::create(&path, &mut random)?;
            Request::new(&key, place.origin, handle).write(&Request::path(&path))?;
            members.insert(
                name,
                Member {
                    key,
                    handle,
                    profile,
                },
            );
        }
        Ok(Self {
            place,
            members,
            dir: dir.to_owned(),
            now,
        })
    }

    fn member(&self, name: &str) -> Result<&Member, Failure> {
        let found = self.members.get(name);
        found.ok_or_else(|| Failure::malformed(format!("{name} is not among the participants")))
    }

    fn voice<'a>(&'a self, member: &'a Member) -> Voice<'a> {
        let Member { key, handle, .. } = member;
        Voice {
            key,
            handle: *handle,
            origin: self.place.origin,
            now: self.now,
        }
    }

    /// The authority, to ask in its name.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn office(&self) -> Result<Signing, Failure> {
        self.asker(self.place.authority)
    }

    /// Somebody, to ask in its name.
    ///
    /// # Errors
    /// [`Failure`] where the examples have no such participant.
    pub(super) fn asker(&self, name: &str) -> Result<Signing, Failure> {
        let handle = self.member(name)?.handle;
        let key = keys::read(&self.key_path(name))?;
        Ok(Signing { key, handle })
    }

    /// Where somebody's key is.
    pub(super) fn key_path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.key"))
    }

    /// Everyone's handle.
    pub(super) fn handles(&self) -> impl Iterator<Item = Handle> {
        self.members.values().map(|member| member.handle)
    }

    /// The handle of somebody.
    ///
    /// # Errors
    /// [`Failure`] where the examples have no such participant.
    pub(super) fn handle(&self, name: &str) -> Result<Handle, Failure> {
        Ok(self.member(name)?.handle)
    }

    /// The key in the examples of who has this handle; the handle itself of a stranger.
    pub(super) fn name(&self, handle: Handle) -> String {
        let mut all = self.members.iter();
        let found = all.find(|(_, member)| member.handle == handle);
        found.map_or_else(|| handle.to_string(), |(name, _)| name.clone())
    }

    /// An act of somebody with its records.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn act(
        &self,
        name: &str,
        action: Action,
        records: Vec<Map>,
        random: &mut Random,
    ) -> Result<SignedStatement, Failure> {
        self.voice(self.member(name)?).act(action, records, random)
    }

    /// Who founds the ledger.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn founder(&self) -> Result<(Handle, NewKey), Failure> {
        let Member { key, handle, .. } = self.member(self.place.authority)?;
        Ok((*handle, new_key(key, self.place.origin, *handle)))
    }

    /// Loads everybody: admissions, and master data.
    ///
    /// # Errors
    /// [`Failure`]: what is refused, by name.
    pub(super) fn introduce(
        &self,
        examples: &Examples,
        ledger: &dyn Ledger,
    ) -> Result<(), Failure> {
        let mut random = Random::default();
        submit(ledger, &self.admissions(&mut random)?)?;
        submit(ledger, &self.master_data(examples, &mut random)?)
    }

    /// Loads documents, in order. `told`: what stands in them for the digest of another ledger's
    /// statement, with that digest.
    ///
    /// # Errors
    /// [`Failure`]: what is refused, by name.
    pub(super) fn tell<'e>(
        &self,
        examples: &Examples,
        documents: impl IntoIterator<Item = &'e Source>,
        told: &BTreeMap<String, String>,
        ledger: &dyn Ledger,
    ) -> Result<(), Failure> {
        let mut random = Random::default();
        let mut statements = Vec::new();
        for source in documents {
            statements.extend(self.document(examples, source, told, &mut random)?);
        }
        submit(ledger, &statements)
    }

    /// The authority says who it is, and admits everyone else.
    fn admissions(&self, random: &mut Random) -> Result<Vec<SignedStatement>, Failure> {
        let authority = self.member(self.place.authority)?;
        let voice = self.voice(authority);
        let admit = |member: &Member| {
            if member.handle == authority.handle {
                return member.profile.amend(member.handle);
            }
            let key = new_key(&member.key, self.place.origin, member.handle);
            member.profile.admit(member.handle, vec![key])
        };
        self.members
            .values()
            .map(|member| voice.act(admit(member), vec![member.profile.record.clone()], random))
            .collect()
    }

    fn master_data(
        &self,
        examples: &Examples,
        random: &mut Random,
    ) -> Result<Vec<SignedStatement>, Failure> {
        let mut statements = Vec::new();
        for (file, action) in [
            ("products.json", Action::Product),
            ("places.json", Action::Place),
        ] {
            for (owner, list) in examples.records(&self.place.file(file), "owner")? {
                let voice = self.voice(self.member(&owner)?);
                statements.push(voice.act(action.clone(), records(&list.into())?, random)?);
            }
        }
        Ok(statements)
    }

    fn document(
        &self,
        examples: &Examples,
        source: &Source,
        told: &BTreeMap<String, String>,
        random: &mut Random,
    ) -> Result<Vec<SignedStatement>, Failure> {
        let named = |event: &str| format!("\"sy:sourceStatement\": \"{event}\"");
        let text = examples.text(&source.file)?;
        let text = told.iter().fold(text, |text, (event, digest)| {
            text.replace(&named(event), &named(digest))
        });
        let files = vec![(source.file.clone().into(), text.into_bytes())];
        let checked = document::check(files, self.now, Lang::En).map_err(|faults| {
            let first = faults
                .first()
                .map(|fault| format!("{}: {}", fault.path, fault.reason));
            Failure::malformed(format!("{}: {}", source.file, first.unwrap_or_default()))
        })?;
        let voice = self.voice(self.member(&source.by)?);
        let mut statements = Vec::new();
        for document in &checked {
            statements.extend(voice.events(&document.events, GROUP, random)?);
        }
        Ok(statements)
    }
}

/// Submits statements that must all be recorded.
pub(super) fn submit(ledger: &dyn Ledger, statements: &[SignedStatement]) -> Result<(), Failure> {
    let bytes: Vec<Vec<u8>> = statements.iter().map(SignedStatement::encode).collect();
    let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    send(ledger, &bytes, |number, answer| match answer {
        Answered::Refused(refusal) => {
            let issuer = statements
                .get(number)
                .map(|statement| &statement.header().issuer);
            let what = format!("an example was refused: {}, of {issuer:?}", refusal.detail);
            Err(Failure::new(Code::Rejected, what).remedy(refusal.remedy))
        }
        Answered::Recorded { .. } | Answered::Busy { .. } | Answered::Halted => Ok(()),
    })
}
