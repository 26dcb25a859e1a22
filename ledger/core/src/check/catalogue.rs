//! Every sentence of a check, in Chinese and English: one list for the API, the command line and
//! the offline verifier, which has no pages.

use super::{Act, Decision, Ground};
use crate::provenance::{Article, Law, Rule};

/// Chinese, English.
pub type Pair = [&'static str; 2];

/// An act's plain word.
#[must_use]
pub const fn act(act: Act) -> Pair {
    match act {
        Act::Receive => ["收货", "receive"],
        Act::Fill => ["充装", "fill"],
        Act::Dispense => ["发药或接种", "dispense"],
        Act::Sell => ["销售", "sell"],
        Act::Use => ["使用", "use"],
    }
}

/// A decision's plain word.
#[must_use]
pub const fn decision(decision: Decision) -> Pair {
    match decision {
        Decision::Allow => ["可以", "allowed"],
        Decision::Hold => ["暂缓", "hold"],
        Decision::Refuse => ["不可以", "refused"],
    }
}

/// What was found, and how to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// What is the matter.
    pub says: Pair,
    /// What to do.
    pub mend: Pair,
}

/// The words of a ground by its stable word; `None` for one that this release does not know.
#[must_use]
pub fn words(rule: &str) -> Option<Words> {
    let ground = Ground::all().find(|one| one.word() == rule)?;
    Some(of(ground))
}

const fn say(says: Pair, mend: Pair) -> Words {
    Words { says, mend }
}

/// The words of a ground.
#[must_use]
pub const fn of(ground: Ground) -> Words {
    match ground {
        Ground::Recalled => say(
            ["已被召回", "It is recalled."],
            [
                "停止销售和使用，单独存放，按召回通知退回或销毁",
                "Stop, keep it apart, and return or destroy it as the recall says.",
            ],
        ),
        Ground::Held => say(
            ["已被责令暂停使用", "It is on hold."],
            [
                "原地封存，等待解除或复检结果",
                "Keep it sealed where it is until it is released or re-tested.",
            ],
        ),
        Ground::FailedTest => say(
            ["检验不合格", "It failed a test."],
            [
                "停止销售和使用，通知供货方和监管部门",
                "Stop, and tell the supplier and the authority.",
            ],
        ),
        Ground::Expired => say(
            ["已过期", "It is past its expiry date."],
            [
                "下架，单独存放，退回或销毁并记录",
                "Take it off the shelf, keep it apart, return or destroy it, and record that.",
            ],
        ),
        Ground::Unknown => say(
            ["账本上没有这个编码", "No record names this code."],
            [
                "核对编码；请供货方补报，或拒收",
                "Compare the code; ask the supplier to record it, or send it back.",
            ],
        ),
        Ground::Sold => say(
            ["此前已售出或使用", "It was sold or dispensed before."],
            [
                "可能是回流或假冒：单独存放并报告",
                "It may be resold or a copy: keep it apart and report it.",
            ],
        ),
        Ground::Used => say(
            ["此前已被用掉", "It was used up before."],
            [
                "可能是假冒：单独存放并报告",
                "It may be a copy: keep it apart and report it.",
            ],
        ),
        Ground::Scrapped => say(
            ["已报废或销毁", "It is scrapped or destroyed."],
            [
                "不得再流通：单独存放并报告",
                "It must not be in trade: keep it apart and report it.",
            ],
        ),
        Ground::InspectionFailed => say(
            ["检验结论为不合格", "Its newest inspection says unfit."],
            [
                "修理后重新检验，或报废",
                "Have it repaired and inspected again, or scrapped.",
            ],
        ),
        Ground::InspectionOverdue => say(
            ["定期检验已超期", "Its periodic inspection is overdue."],
            [
                "先送检验机构，合格后再充装",
                "Have it inspected; fill it only after it passed.",
            ],
        ),
        Ground::InspectionMissing => say(
            ["没有定期检验记录", "No periodic inspection is recorded."],
            [
                "请检验机构补报记录，或送检",
                "Ask the inspector to record it, or have it inspected.",
            ],
        ),
        Ground::TemperatureBreach => say(
            ["储运温度超出限度", "The temperature left its limits."],
            [
                "单独存放，通知责任方，由质量负责人评估；疫苗应拒收并立即报告",
                "Keep it apart, tell whose stretch it was, and let quality judge; a vaccine is \
                 refused and reported at once.",
            ],
        ),
        Ground::TemperatureGap => say(
            ["温度记录不完整", "The temperature record is not complete."],
            [
                "向责任方索取全程温度记录；补报后再查",
                "Ask for the full record from whose stretch it is; check again once it is in.",
            ],
        ),
        Ground::ChainBroken => say(
            ["追溯链条中断", "A link of its chain is missing."],
            [
                "请缺环节的一方补报；补报后再查",
                "Ask whose link it is to record it; check again once it is in.",
            ],
        ),
        Ground::InputFailedTest => say(
            [
                "所用原料检验不合格",
                "Something it was made of failed a test.",
            ],
            [
                "暂停，请生产者评估是否受影响",
                "Stop, and ask the maker whether it is affected.",
            ],
        ),
        Ground::Packed => say(
            [
                "记录显示仍在包装容器内",
                "By the record it is still inside a container.",
            ],
            ["先记录拆箱", "Record the unpacking first."],
        ),
        Ground::ActorUnknown => say(
            ["操作方不在账本上", "The actor is not on the ledger."],
            ["先向监管方申请加入", "Ask the authority to be admitted."],
        ),
        Ground::ActorSuspended => say(
            ["操作方已被暂停", "The actor is suspended."],
            ["联系监管方恢复资格", "Ask the authority to be reinstated."],
        ),
        Ground::NotHolder => say(
            [
                "操作方并不持有该货品",
                "The actor does not have it, by the record.",
            ],
            [
                "核对来源：先记录进货",
                "Find out where it came from: record its receipt first.",
            ],
        ),
        Ground::NotReceived => say(
            [
                "已发来但尚未记录收货",
                "It is on its way here; its receipt is not recorded.",
            ],
            ["先记录收货", "Record the receipt first."],
        ),
        Ground::NotAddressed => say(
            [
                "没有发给操作方的记录",
                "No shipment to the actor is recorded.",
            ],
            [
                "请发货方补报发货，或拒收",
                "Ask the sender to record the shipment, or send it back.",
            ],
        ),
        Ground::Cut => say(
            [
                "关联记录过多，未能全部读取",
                "Too much hangs together to be read in one answer.",
            ],
            ["由人工核查", "Let a person look into it."],
        ),
        Ground::Finding(rule) => finding(rule),
    }
}

/// The words of a finding. The page of the trace says more.
const fn finding(rule: Rule) -> Words {
    match rule {
        Rule::DoubleSpend => say(
            ["转出数量多于来源", "More was handed on than there was."],
            [
                "与供货方核对数量和单据",
                "Compare quantities and papers with the supplier.",
            ],
        ),
        Rule::Licence => say(
            [
                "途中有经手方缺少所需许可",
                "Somebody on its way lacked an authorisation.",
            ],
            [
                "请该方补报许可，或联系监管部门",
                "Ask that party to have it entered, or tell the authority.",
            ],
        ),
        Rule::TestMissing => say(
            ["缺少必需的检验", "A test that it needs is missing."],
            [
                "补做或补报检验后再售",
                "Have it tested, or the result entered, before it is sold.",
            ],
        ),
        Rule::VaccineExcursion => say(
            [
                "疫苗超温后仍被接收",
                "A vaccine was accepted in spite of its temperature.",
            ],
            [
                "停止使用，单独存放并立即报告",
                "Do not use it; keep it apart and report it at once.",
            ],
        ),
        Rule::VaccineUnrecorded => say(
            [
                "疫苗在没有全程温度记录时被接收",
                "A vaccine was accepted without its whole record.",
            ],
            [
                "停止使用，索取全程温度记录；没有则报告",
                "Do not use it; ask for the whole record, and without it report.",
            ],
        ),
        Rule::Custody
        | Rule::CylinderOverdue
        | Rule::CylinderScrapped
        | Rule::DeviceCalibration
        | Rule::Expiry
        | Rule::Order
        | Rule::PartyMismatch
        | Rule::QuantityMismatch
        | Rule::RecalledMoving
        | Rule::ReceivedTwice
        | Rule::SingleParent
        | Rule::SoldAgain
        | Rule::Temperature
        | Rule::TemperatureGap
        | Rule::TestFailed => say(
            ["途中有违规记录", "A rule was broken on its way."],
            ["查看追溯详情", "See its trace."],
        ),
    }
}

/// An article as answers cite it.
#[must_use]
pub fn cite(article: &Article) -> String {
    let law = match article.law {
        Law::Drug => "药品管理法",
        Law::Food => "食品安全法",
        Law::FoodRegulation => "食品安全法实施条例",
        Law::Gb31605 => "GB 31605-2020",
        Law::Gsp => "GSP annex, cold storage and transport",
        Law::Produce => "农产品质量安全法",
        Law::SpecialEquipment => "特种设备安全法",
        Law::Vaccine => "疫苗管理法",
    };
    format!("{law} {}", article.number).trim_end().to_owned()
}
