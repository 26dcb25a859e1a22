//! The registry: who may speak, with which keys, and what things are called.
//!
//! The registry is on the ledger. An act's inline fields are what decides (roles, district, keys,
//! dates of licences); names, numbers and contacts are disclosures under the act's root.
//!
//! Bytes: `schemas/suyuan.cddl`, rule `registry-payload`.

use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::checkpoint::SignedCheckpoint;
use crate::hash::Digest;
use crate::ids::{CaptureId, Handle, UnixMillis};
use crate::signature::KeyId;
use crate::state::{Licence, Role, Roles, read_district};
use crate::statement::Commitment;

/// Keys of one admission, founders of one log, approvals of one act: a board, not a crowd.
pub const SIGNERS_MAX: usize = 32;

/// Bytes of a predecessor's checkpoint: half an entry; some thirty Ed25519 cosignatures.
pub const PREDECESSOR_BYTES_MAX: usize = 8 * 1024;

/// A key with the proof that whoever brings it holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The public key, 32 bytes.
    pub public_key: [u8; 32],
    /// Its signature over [`possession_message`].
    pub possession: [u8; 64],
}

/// What a new key signs to prove possession: purpose, log, owner, key.
#[must_use]
pub fn possession_message(origin: &str, owner: Handle, public_key: &[u8; 32]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .array(4)
        .text("suyuan/key-possession/v1")
        .text(origin);
    writer.byte_string(&owner.0).byte_string(public_key);
    writer.finish()
}

/// An act of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Opens the log: the first entry, signed by the log's own key.
    Found {
        /// How many authorities must sign an act over an authority.
        threshold: u16,
        /// The first authorities: handle, jurisdiction, key.
        founders: Vec<(Handle, String, NewKey)>,
        /// The last checkpoint of the log that this one continues, as it was signed and cosigned.
        /// Most logs are nobody's successor.
        predecessor: Option<Box<SignedCheckpoint>>,
    },
    /// Admits a participant.
    Admit {
        /// Its new handle.
        handle: Handle,
        /// What it may do.
        roles: Roles,
        /// Its district, or an authority's jurisdiction.
        district: String,
        /// Its licences' kinds and dates.
        licences: Vec<Licence>,
        /// Its first keys.
        keys: Vec<NewKey>,
    },
    /// Replaces what is recorded of a participant, keys apart.
    Amend {
        /// Whose record.
        handle: Handle,
        /// What it may do from now on.
        roles: Roles,
        /// Its district.
        district: String,
        /// Its licences.
        licences: Vec<Licence>,
    },
    /// Stops a participant from saying anything.
    Suspend(Handle),
    /// Ends a suspension.
    Reinstate(Handle),
    /// Adds a key; it counts from the next leaf.
    AddKey {
        /// Whose key.
        handle: Handle,
        /// The key.
        key: NewKey,
    },
    /// Names the last block time at which a key counts.
    RetireKey {
        /// Which key.
        key: KeyId,
        /// Its closing time.
        closing: UnixMillis,
    },
    /// Ends a key from the next leaf on.
    RevokeKey {
        /// Which key.
        key: KeyId,
        /// Event times from which earlier statements under it are suspect.
        suspect_from: Option<UnixMillis>,
    },
    /// Lets another participant sign for the issuer.
    Delegate {
        /// Who may sign.
        delegate: Handle,
        /// The last block time at which it may; the past ends a delegation.
        until: UnixMillis,
    },
    /// Master data of products, one disclosure each.
    Product,
    /// Master data of places, one disclosure each.
    Place,
    /// Declares an old and a new code the same lot, one disclosure each.
    Recode,
    /// Puts a version of the admission rules into force from the next block.
    Rules {
        /// The version.
        version: u16,
    },
    /// Sets rows of the policy that findings are judged by, one record ([`crate::policy`]).
    Policy,
    /// Stops goods until it is known whether they are sound, one disclosure per item
    /// ([`crate::order::Order`]).
    Hold,
    /// Calls goods back, one disclosure per item ([`crate::order::Order`]).
    Recall,
    /// Ends a hold or recall, one disclosure per item ([`crate::order::Release`]).
    Release,
    /// What a holder did about a case, one disclosure per item ([`crate::order::Response`]).
    Respond,
    /// Deletes personal parts on lawful order, one disclosure for each disclosure concerned
    /// ([`crate::forget::Order`]).
    Forget,
    /// What partners may see of those in the authority's jurisdiction, one disclosure each
    /// ([`crate::access::Agreement`]).
    Agreement,
    /// Other regions' logs that are believed, one disclosure each ([`crate::region::Region`]).
    Region,
    /// Takes over events of such logs, one disclosure each ([`crate::region`]).
    Import,
}

impl Action {
    const fn number(&self) -> u64 {
        match self {
            Self::Found { .. } => 0,
            Self::Admit { .. } => 1,
            Self::Amend { .. } => 2,
            Self::Suspend(_) => 3,
            Self::Reinstate(_) => 4,
            Self::AddKey { .. } => 5,
            Self::RetireKey { .. } => 6,
            Self::RevokeKey { .. } => 7,
            Self::Delegate { .. } => 8,
            Self::Product => 9,
            Self::Place => 10,
            Self::Recode => 11,
            Self::Rules { .. } => 12,
            Self::Policy => 13,
            Self::Hold => 14,
            Self::Recall => 15,
            Self::Release => 16,
            Self::Respond => 17,
            Self::Forget => 18,
            Self::Agreement => 19,
            Self::Region => 20,
            Self::Import => 21,
        }
    }

    /// The first authority that a founding entry names.
    #[must_use]
    pub fn founder(&self) -> Option<Handle> {
        if let Self::Found { founders, .. } = self {
            founders.first().map(|(handle, _, _)| *handle)
        } else {
            None
        }
    }

    /// The last checkpoint of the log that a founding entry continues. Nobody here has checked who
    /// signed it: that takes the older log's keys.
    #[must_use]
    pub fn predecessor(&self) -> Option<&SignedCheckpoint> {
        if let Self::Found { predecessor, .. } = self {
            predecessor.as_deref()
        } else {
            None
        }
    }

    /// What the act says that `wanted` may do, and where, if it is one that admits or amends it.
    #[must_use]
    pub fn standing_of(&self, wanted: Handle) -> Option<(Roles, &str)> {
        if let Self::Admit {
            handle,
            roles,
            district,
            ..
        }
        | Self::Amend {
            handle,
            roles,
            district,
            ..
        } = self
        {
            return (*handle == wanted).then_some((*roles, district));
        }
        let Self::Found { founders, .. } = self else {
            return None;
        };
        let founder = founders.iter().find(|(handle, _, _)| *handle == wanted)?;
        Some(([Role::Authority].into_iter().collect(), &founder.1))
    }

    /// The act's word, as the command line says it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Found { .. } => "found",
            Self::Admit { .. } => "admit",
            Self::Amend { .. } => "amend",
            Self::Suspend(_) => "suspend",
            Self::Reinstate(_) => "reinstate",
            Self::AddKey { .. } => "add-key",
            Self::RetireKey { .. } => "retire-key",
            Self::RevokeKey { .. } => "revoke-key",
            Self::Delegate { .. } => "delegate",
            Self::Product => "product",
            Self::Place => "place",
            Self::Recode => "recode",
            Self::Rules { .. } => "rules",
            Self::Policy => "policy",
            Self::Hold => "hold",
            Self::Recall => "recall",
            Self::Release => "release",
            Self::Respond => "respond",
            Self::Forget => "forget",
            Self::Agreement => "agreement",
            Self::Region => "region",
            Self::Import => "import",
        }
    }

    /// Number of items of the encoded array; a successor's founding has one more.
    const fn arity(number: u64) -> Option<usize> {
        Some(match number {
            0 | 5..=8 => 3,
            1 => 6,
            2 => 5,
            3 | 4 | 12 => 2,
            9..=11 | 13..=21 => 1,
            _ => return None,
        })
    }

    fn write(&self, writer: &mut Writer) {
        let number = self.number();
        let more = usize::from(self.predecessor().is_some());
        writer
            .array(Self::arity(number).unwrap_or_default() + more)
            .uint(number);
        match self {
            Self::Found {
                threshold,
                founders,
                predecessor,
            } => {
                writer.uint(u64::from(*threshold)).array(founders.len());
                for (handle, district, key) in founders {
                    writer.array(3).byte_string(&handle.0).text(district);
                    key.write(writer);
                }
                if let Some(predecessor) = predecessor {
                    writer.text(&predecessor.to_string());
                }
            }
            Self::Admit {
                handle,
                roles,
                district,
                licences,
                keys,
            } => {
                writer
                    .byte_string(&handle.0)
                    .uint(u64::from(roles.bits()))
                    .text(district);
                Licence::write_list(licences, writer);
                writer.array(keys.len());
                for key in keys {
                    key.write(writer);
                }
            }
            Self::Amend {
                handle,
                roles,
                district,
                licences,
            } => {
                writer
                    .byte_string(&handle.0)
                    .uint(u64::from(roles.bits()))
                    .text(district);
                Licence::write_list(licences, writer);
            }
            Self::Suspend(handle) | Self::Reinstate(handle) => {
                writer.byte_string(&handle.0);
            }
            Self::AddKey { handle, key } => {
                writer.byte_string(&handle.0);
                key.write(writer);
            }
            Self::RetireKey { key, closing } => {
                writer.byte_string(key.0.as_bytes()).int(closing.0);
            }
            Self::RevokeKey { key, suspect_from } => {
                writer.byte_string(key.0.as_bytes());
                match suspect_from {
                    Some(time) => writer.int(time.0),
                    None => writer.null(),
                };
            }
            Self::Delegate { delegate, until } => {
                writer.byte_string(&delegate.0).int(until.0);
            }
            Self::Product
            | Self::Place
            | Self::Recode
            | Self::Policy
            | Self::Hold
            | Self::Recall
            | Self::Release
            | Self::Respond
            | Self::Forget
            | Self::Agreement
            | Self::Region
            | Self::Import => {}
            Self::Rules { version } => {
                writer.uint(u64::from(*version));
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = reader.offset();
        let count = reader.array()?;
        let number = reader.uint()?;
        let successor = number == 0 && count == 4;
        if Self::arity(number) != Some(count) && !successor {
            return Err(DecodeFault::Field("registry action").at(start));
        }
        Ok(match number {
            0 => Self::Found {
                threshold: read_u16(reader)?,
                founders: read_list(reader, |reader| {
                    reader.array_of(3, "a founder [handle, district, key]")?;
                    let handle = Handle(reader.byte_array()?);
                    Ok((handle, read_district(reader)?, NewKey::read(reader)?))
                })?,
                predecessor: if successor {
                    Some(Box::new(read_checkpoint(reader)?))
                } else {
                    None
                },
            },
            1 => Self::Admit {
                handle: Handle(reader.byte_array()?),
                roles: read_roles(reader)?,
                district: read_district(reader)?,
                licences: Licence::read_list(reader)?,
                keys: read_list(reader, NewKey::read)?,
            },
            2 => Self::Amend {
                handle: Handle(reader.byte_array()?),
                roles: read_roles(reader)?,
                district: read_district(reader)?,
                licences: Licence::read_list(reader)?,
            },
            3 => Self::Suspend(Handle(reader.byte_array()?)),
            4 => Self::Reinstate(Handle(reader.byte_array()?)),
            5 => Self::AddKey {
                handle: Handle(reader.byte_array()?),
                key: NewKey::read(reader)?,
            },
            6 => Self::RetireKey {
                key: KeyId(Digest(reader.byte_array()?)),
                closing: UnixMillis(reader.int()?),
            },
            7 => Self::RevokeKey {
                key: KeyId(Digest(reader.byte_array()?)),
                suspect_from: if reader.null() {
                    None
                } else {
                    Some(UnixMillis(reader.int()?))
                },
            },
            8 => Self::Delegate {
                delegate: Handle(reader.byte_array()?),
                until: UnixMillis(reader.int()?),
            },
            9 => Self::Product,
            10 => Self::Place,
            11 => Self::Recode,
            19 => Self::Agreement,
            20 => Self::Region,
            21 => Self::Import,
            12 => Self::Rules {
                version: read_u16(reader)?,
            },
            13 => Self::Policy,
            14 => Self::Hold,
            15 => Self::Recall,
            16 => Self::Release,
            17 => Self::Respond,
            _ => Self::Forget,
        })
    }
}

impl NewKey {
    fn write(&self, writer: &mut Writer) {
        writer
            .array(2)
            .byte_string(&self.public_key)
            .byte_string(&self.possession);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(2, "a key [public key, possession]")?;
        Ok(Self {
            public_key: reader.byte_array()?,
            possession: reader.byte_array()?,
        })
    }
}

fn read_u16(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    let at = reader.offset();
    u16::try_from(reader.uint()?).map_err(|_| DecodeFault::IntegerRange.at(at))
}

fn read_checkpoint(reader: &mut Reader<'_>) -> Result<SignedCheckpoint, DecodeError> {
    let at = reader.offset();
    let note = reader.text()?;
    let checkpoint = SignedCheckpoint::parse(note).ok();
    checkpoint
        .filter(|one| note.len() <= PREDECESSOR_BYTES_MAX && one.to_string() == note)
        .ok_or_else(|| DecodeFault::Field("a predecessor's checkpoint").at(at))
}

fn read_roles(reader: &mut Reader<'_>) -> Result<Roles, DecodeError> {
    let at = reader.offset();
    Roles::from_bits(read_u16(reader)?).ok_or_else(|| DecodeFault::Field("roles").at(at))
}

fn read_list<'a, T>(
    reader: &mut Reader<'a>,
    mut one: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let at = reader.offset();
    let count = reader.array()?;
    if count > SIGNERS_MAX {
        return Err(DecodeFault::Field("number of keys or signers").at(at));
    }
    (0..count).map(|_| one(reader)).collect()
}

/// Another authority's consent to an act: its key, and its signature over
/// [`RegistryPayload::approval_message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The approving key.
    pub key: KeyId,
    /// Its signature.
    pub signature: [u8; 64],
}

/// The payload of a registry statement: `[action, count, root, [* approval]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryPayload {
    /// What is done.
    pub action: Action,
    /// Names, numbers and contacts, by commitment.
    pub commitment: Commitment,
    /// Consents of other authorities, where the act needs them.
    pub approvals: Vec<Approval>,
}

impl RegistryPayload {
    /// What an approving authority signs: purpose, log, whose act under which capture id, act and
    /// commitment. A consent serves this one statement, and no later one that says the same.
    #[must_use]
    pub fn approval_message(&self, origin: &str, issuer: Handle, capture: CaptureId) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(7).text("suyuan/approval/v1").text(origin);
        writer.byte_string(&issuer.0).byte_string(&capture.0);
        self.action.write(&mut writer);
        self.commitment.write(&mut writer);
        writer.finish()
    }

    /// Appends the payload.
    pub fn write(&self, writer: &mut Writer) {
        writer.array(4);
        self.action.write(writer);
        self.commitment.write(writer);
        writer.array(self.approvals.len());
        for approval in &self.approvals {
            writer.array(2).byte_string(approval.key.0.as_bytes());
            writer.byte_string(&approval.signature);
        }
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(4, "a payload [action, count, root, approvals]")?;
        Ok(Self {
            action: Action::read(reader)?,
            commitment: Commitment::read(reader, 0)?,
            approvals: read_list(reader, |reader| {
                reader.array_of(2, "an approval [key id, signature]")?;
                Ok(Approval {
                    key: KeyId(Digest(reader.byte_array()?)),
                    signature: reader.byte_array()?,
                })
            })?,
        })
    }
}
