//! What a refusal means to the one refused, and what to do: in Chinese and English.
//!
//! The reason's own `Display` says what and where, with values; this adds a title and the remedy.

use ledger::reject::RejectReason;

/// A text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bilingual {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// A refusal in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub title: Bilingual,
    /// What to do about it.
    pub remedy: Bilingual,
}

const fn words(
    title: (&'static str, &'static str),
    remedy: (&'static str, &'static str),
) -> Refusal {
    Refusal {
        title: Bilingual {
            zh: title.0,
            en: title.1,
        },
        remedy: Bilingual {
            zh: remedy.0,
            en: remedy.1,
        },
    }
}

/// Title and remedy of a refusal.
#[must_use]
#[rustfmt::skip] // one reason, three lines: the table reads better than what wrapping makes of it
pub const fn refusal(reason: &RejectReason) -> Refusal {
    match reason {
        RejectReason::AlgorithmUnsupported { .. } => words(
            ("不支持的签名算法", "Unsupported signature algorithm"),
            ("请用 Ed25519 重新签名。", "Sign again with Ed25519.")),
        RejectReason::ApprovalsMissing { .. } => words(
            ("主管机关签名不足", "Not enough authorities have signed"),
            ("请其他主管机关加签后再提交。", "Collect the other authorities' signatures, then submit again.")),
        RejectReason::AudienceWrong { .. } => words(
            ("这条声明是给另一本账的", "The statement is meant for another ledger"),
            ("请提交到声明中写明的账本，或改写受众后重新签名。", "Submit it to the ledger it names, or name this one and sign again.")),
        RejectReason::CaptureIdReused { .. } => words(
            ("提交编号已用于别的内容", "The capture id was used for other content"),
            ("请换一个新的随机提交编号；重发同一内容时字节须完全相同。", "Choose a new random capture id; when repeating a submission, send the very same bytes.")),
        RejectReason::CaseUnknown { .. } => words(
            ("没有这个案件", "No such case"),
            ("请核对案件编号；应先登记暂停或召回，再登记解除或回应。", "Check the case number. A hold or recall comes first, then its release or a response.")),
        RejectReason::ContentTypeUnknown { .. } => words(
            ("未知的内容类型", "Unknown content type"),
            ("请使用接口说明列出的内容类型。", "Use one of the content types that the API description lists.")),
        RejectReason::Disclosure { .. } => words(
            ("披露内容与其部分不相符", "A disclosure and its parts do not belong together"),
            ("请用当前版本的工具重新生成披露内容并签名。", "Build the disclosure again with a current tool and sign.")),
        RejectReason::DisclosureCount { .. } => words(
            ("披露内容的数量或顺序不对", "Disclosures are missing, too many or out of order"),
            ("请按签名时的顺序提交全部披露内容。", "Submit every disclosure, in the order in which they were signed.")),
        RejectReason::DisclosureMismatch => words(
            ("披露内容与签名不一致", "The disclosures do not match what was signed"),
            ("请提交签名时的原始字节；若内容有改动，请重新签名。", "Submit the very bytes that were signed; if the content changed, sign again.")),
        RejectReason::DuplicateEvent { .. } => words(
            ("该事件已经登记过", "The event is recorded already"),
            ("无需再提交；若要更正，请提交更正声明。", "Nothing to do. To correct it, submit an error declaration.")),
        RejectReason::EventInvalid { .. } => words(
            ("事件不符合 EPCIS 2.0", "The event does not follow EPCIS 2.0"),
            ("请按指出的位置修改后重新签名提交。", "Mend it at the place named, sign and submit again.")),
        RejectReason::FieldNotPublic { .. } => words(
            ("公开部分含有不可公开的字段", "A field in the public part may not be public"),
            ("请把该字段移到保密部分，或不写；暂停、召回和不合格检验人人可见，不得写明他人的场所或往来方；个人信息不论在哪一层，都须放入个人信息部分。然后重新签名。", "Move the field to a confidential part or leave it out (holds, recalls and failed tests are everyone's to see and name no place or party of others), or to a personal part if it is about a person, however deep it stands, and sign again.")),
        RejectReason::ForeignIdentifier { .. } => words(
            ("编码属于其他企业", "The identifier belongs to someone else"),
            ("请使用自己名下的编码；若厂商识别码登记有误，请联系主管机关。", "Use an identifier of your own. If the prefix is registered wrongly, ask the authority.")),
        RejectReason::KeyExists { .. } => words(
            ("该密钥已在账本上", "The key is on the ledger already"),
            ("请生成新的密钥；一把密钥只登记一次。", "Generate a new key; a key is registered once only.")),
        RejectReason::KeyNotYetValid { .. } => words(
            ("密钥尚未生效", "The key does not count yet"),
            ("请在登记该密钥的记录之后重新提交。", "Submit again after the entry that adds the key.")),
        RejectReason::KeyOfAnother { .. } => words(
            ("该密钥的持有者无权代签", "The key's holder may not sign for this participant"),
            ("请用本企业的密钥签名，或由本企业先登记代理授权。", "Sign with the participant's own key, or have it register the delegation first.")),
        RejectReason::KeyRetired { .. } => words(
            ("密钥已停用", "The key has been retired"),
            ("请用现行密钥重新签名。", "Sign again with a current key.")),
        RejectReason::KeyRevoked { .. } => words(
            ("密钥已吊销", "The key has been revoked"),
            ("请用现行密钥重新签名；并检查旧密钥是否仍有人使用。", "Sign again with a current key, and find out who still uses the old one.")),
        RejectReason::ImportRepeated { .. } => words(
            ("该记录已引入过", "It was imported before"),
            ("无需再次提交；可直接引用已有记录。", "There is nothing more to do: it stands on this ledger.")),
        RejectReason::ImportUnproved { .. } => words(
            ("外地账本的证明不成立", "The other log's proof does not hold"),
            ("请向发货方或其账本重新索取证明；证明须有见证方联署。", "Get the proof anew from the sender or its log; its checkpoint must be cosigned by witnesses.")),
        RejectReason::RegionUnknown { .. } => words(
            ("本账本不承认该地区的账本", "No region of that log is recognised here"),
            ("请由主管机关先登记该地区及其信任策略。", "Have the authority record the region and its trust policy first.")),
        RejectReason::KeyUnknown { .. } => words(
            ("账本上没有该密钥", "The key is not on the ledger"),
            ("请先由主管机关登记密钥，或检查密钥编号。", "Have the authority register the key first, or check the key id.")),
        RejectReason::KeyUnproved => words(
            ("新密钥无效或未证明持有", "The new key is unsound or its possession is unproved"),
            ("请由密钥持有人重新生成登记申请。", "Have the key's holder create the request again.")),
        RejectReason::Malformed(_) => words(
            ("格式错误", "Malformed"),
            ("请按接口说明重新编码；错误位置已在原因中写明。", "Encode it again as the API description says; the reason names the place.")),
        RejectReason::OutsideJurisdiction { .. } => words(
            ("超出管辖区域", "Outside the jurisdiction"),
            ("请由对方所在地的主管机关办理。", "Ask the authority of that district.")),
        RejectReason::ParticipantExists { .. } => words(
            ("该参与方已登记", "The participant is on the ledger already"),
            ("请改用变更登记。", "Amend its record instead.")),
        RejectReason::ParticipantSuspended { .. } => words(
            ("参与方资格已暂停", "The participant is suspended"),
            ("请联系主管机关恢复资格后再提交。", "Ask the authority to reinstate it, then submit again.")),
        RejectReason::ParticipantUnknown { .. } => words(
            ("没有这个参与方", "No such participant"),
            ("请先由主管机关登记，或检查编号。", "Have the authority admit it first, or check the handle.")),
        RejectReason::PolicyInvalid { .. } => words(
            ("政策表中有一行不符合要求", "A row of the policy is not in order"),
            ("请按指出的行和键修改后重新签名提交；可设的键见 suyuan policy show。", "Mend the row and key named, sign and submit again; suyuan policy show lists the keys there are.")),
        RejectReason::PrefixTaken { .. } => words(
            ("厂商识别码有误或已被登记", "The GS1 prefix is malformed or taken"),
            ("请核对厂商识别码证书；如被他人登记，请联系主管机关。", "Check the prefix certificate; if someone else registered it, ask the authority.")),
        RejectReason::RecordInvalid { .. } => words(
            ("登记信息缺失或格式不对", "A registry record is missing or malformed"),
            ("请补全指出的字段后重新签名。", "Supply the field named and sign again.")),
        RejectReason::RoleForbids { .. } => words(
            ("身份不允许作此声明", "The participant's roles do not allow this"),
            ("请由有相应身份的一方提交，或向主管机关申请增加身份。", "Have a party with that role submit it, or ask the authority for the role.")),
        RejectReason::RulesUnknown { .. } => words(
            ("本节点不认识该规则版本", "This node does not know those rules"),
            ("请先升级节点软件。", "Upgrade the node's software first.")),
        RejectReason::SaltWeak => words(
            ("随机盐值为零或重复", "A salt is zero or repeated"),
            ("请为每个部分生成新的随机盐值，重新签名。", "Draw a fresh random salt for every part and sign again.")),
        RejectReason::SignatureInvalid { .. } => words(
            ("签名验证不通过", "The signature does not verify"),
            ("请确认内容签名后未被改动、密钥编号正确，再重新签名。", "Make sure nothing changed after signing and the key id is right, then sign again.")),
        RejectReason::TimeInFuture { .. } => words(
            ("事件时间在未来", "The event lies in the future"),
            ("请校准设备时钟和时区；计划中的事情发生后再登记。", "Set the device's clock and time zone; record what is planned once it has happened.")),
        RejectReason::TooLarge { .. } => words(
            ("超过大小限制", "Too large"),
            ("请拆分成多条提交；大附件只登记其哈希。", "Split it into several; of large attachments record the hash only.")),
        RejectReason::TooMany { .. } => words(
            ("一次的条数过多", "Too many records in one act"),
            ("请分几次提交。", "Send them in several acts.")),
        RejectReason::WithoutObject { .. } => words(
            ("没有可以处理的对象", "There is nothing to act on"),
            ("请先查询当前状态，再决定要做什么。", "Look up the present state first, then decide what to do.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::hash::Digest;
    use ledger::ids::{Handle, LeafIndex, UnixMillis};
    use ledger::signature::KeyId;
    use std::collections::BTreeSet;

    /// One of each that can be made without bytes of another module.
    fn reasons() -> Vec<RejectReason> {
        let (key, handle, leaf) = (KeyId(Digest([0; 32])), Handle([0; 16]), LeafIndex(0));
        let (time, text) = (UnixMillis(0), String::new);
        vec![
            RejectReason::AlgorithmUnsupported { algorithm: -7 },
            RejectReason::ApprovalsMissing { found: 1, want: 2 },
            RejectReason::AudienceWrong {
                found: Vec::new(),
                want: text(),
            },
            RejectReason::CaptureIdReused { leaf },
            RejectReason::CaseUnknown {
                index: 0,
                case: text(),
            },
            RejectReason::ContentTypeUnknown { found: text() },
            RejectReason::DisclosureCount { found: 0, want: 1 },
            RejectReason::DisclosureMismatch,
            RejectReason::DuplicateEvent { index: 0, leaf },
            RejectReason::FieldNotPublic {
                index: 0,
                path: text(),
            },
            RejectReason::ForeignIdentifier {
                index: 0,
                identifier: text(),
                owner: handle,
            },
            RejectReason::ImportRepeated { index: 0, leaf },
            RejectReason::ImportUnproved {
                index: 0,
                why: ledger::event_proof::EventProofError::NotWitnessed,
            },
            RejectReason::RegionUnknown {
                index: 0,
                log: text(),
            },
            RejectReason::KeyExists { key },
            RejectReason::KeyNotYetValid { key, added: leaf },
            RejectReason::KeyOfAnother {
                key,
                owner: handle,
                issuer: handle,
            },
            RejectReason::KeyRetired { key, closing: time },
            RejectReason::KeyRevoked { key, revoked: leaf },
            RejectReason::KeyUnknown { key },
            RejectReason::KeyUnproved,
            RejectReason::OutsideJurisdiction {
                jurisdiction: text(),
                district: text(),
            },
            RejectReason::ParticipantExists { handle },
            RejectReason::ParticipantSuspended {
                handle,
                since: leaf,
            },
            RejectReason::ParticipantUnknown { handle },
            RejectReason::PolicyInvalid {
                index: 0,
                why: ledger::policy::PolicyError::Record,
            },
            RejectReason::PrefixTaken { prefix: text() },
            RejectReason::RecordInvalid {
                index: 0,
                field: "name",
            },
            RejectReason::RoleForbids {
                index: 0,
                what: "object",
            },
            RejectReason::RulesUnknown { version: 9 },
            RejectReason::SaltWeak,
            RejectReason::SignatureInvalid { key },
            RejectReason::TimeInFuture {
                index: 0,
                event: time,
                now: time,
            },
            RejectReason::TooLarge {
                what: "statement",
                bytes: 2,
                limit_bytes: 1,
            },
            RejectReason::TooMany {
                act: "import",
                found: 17,
                limit: 16,
            },
            RejectReason::WithoutObject { what: "key" },
        ]
    }

    fn chinese(text: &str) -> bool {
        text.chars()
            .any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character))
    }

    #[test]
    fn every_refusal_has_its_own_title_and_a_remedy_in_both_languages() {
        let mut titles = BTreeSet::new();
        for reason in reasons() {
            let Refusal { title, remedy } = refusal(&reason);
            for text in [title, remedy] {
                assert!(chinese(text.zh), "{}: {}", reason.name(), text.zh);
                assert!(
                    !text.en.is_empty() && !chinese(text.en),
                    "{}: {}",
                    reason.name(),
                    text.en
                );
            }
            assert!(
                remedy.zh.ends_with('。') && remedy.en.ends_with('.'),
                "{}",
                reason.name()
            );
            assert!(
                titles.insert(title.en),
                "{} shares its title",
                reason.name()
            );
        }
    }
}
