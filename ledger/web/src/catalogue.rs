//! Every word a reader of pages and reports sees, in Chinese and English, in one table.
//!
//! Templates and scripts hold no text of their own. Words follow the glossary of the trade (批次 lot, 承运商
//! carrier, 超温 excursion). No word here ever says that goods are genuine: the ledger knows
//! records, not goods.

use ledger::order::{Fault, Level};
use ledger::policy::Severity;
use ledger::provenance::Law;
use ledger::provenance::answer::{BreakKind, Grade, Rule, StepKind, Verdict};
use ledger::state::Role;

/// A row of the table: its name in code, then Chinese, then English.
macro_rules! catalogue {
    ($($key:ident $zh:literal $en:literal)*) => {
        /// A text of the pages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Key { $(#[doc = $en] $key,)* }

        impl Key {
            /// Every text, for tests.
            pub const ALL: &'static [Self] = &[$(Self::$key,)*];

            /// The text in Chinese and in English. `{0}` and `{1}` stand for values.
            #[must_use]
            pub const fn both(self) -> (&'static str, &'static str) {
                match self { $(Self::$key => ($zh, $en),)* }
            }
        }
    };
}

catalogue! {
    // The site.
    Site            "溯源" "Suyuan"
    SiteLine        "食品药品追溯账本" "Food and medicine traceability ledger"
    OtherLanguage   "English" "中文"
    Skip            "跳到内容" "Skip to content"
    ComplaintLine   "发现问题？拨打 12315 投诉举报，留好包装和小票。" "Something wrong? Call 12315 (consumer hotline). Keep the pack and the till receipt."

    // Verdicts: the word, then what it means and what to do.
    VerdictRecalled   "已召回" "Recalled"
    VerdictHeld       "暂停使用" "On hold"
    VerdictFailedTest "检验不合格" "Failed a test"
    VerdictExpired    "已过期" "Expired"
    VerdictViolation  "违规处置过" "Handled against the rules"
    VerdictUnknown    "查无此码" "Unknown code"
    VerdictSold       "已售出或已使用" "Already sold or used"
    VerdictBreach     "温度曾超限" "Temperature went out of range"
    VerdictBroken     "部分记录缺失" "Some records are missing"
    VerdictGap        "温度记录有空缺" "Temperature record has gaps"
    VerdictClear      "公开记录无异常" "Nothing against it on open records"
    VerdictComplete   "记录完整" "Record complete"
    AdviceRecalled    "请不要食用或使用。停止出售，凭实物退回购买的地方；已经吃了或用了并感到不适，请就医并带上包装。" "Do not eat or use it. Stop selling it. Take it back to where you bought it. If you have used it and feel unwell, see a doctor and bring the pack."
    AdviceRecalledLabel "标签有误，商品已召回更正。请不要出售；已购买的可凭实物到购买处更换或退货。过敏或有忌口的人，弄清真实成分前请勿食用。" "The label is wrong and the goods are called back to put it right. Do not sell them; what you bought can be changed or returned where you bought it. If you have an allergy, do not eat it before the true ingredients are known."
    AdviceHeld        "正在核查，结论出来之前请不要食用、使用或出售。留好包装，稍后再扫一次。" "It is being looked into. Do not eat, use or sell it before the outcome. Keep the pack and scan again later."
    AdviceFailedTest  "这一批有一项检验不合格。请不要食用或使用，凭实物退回购买的地方。" "A test of this lot failed. Do not eat or use it; take it back to where you bought it."
    AdviceExpired     "已超过保质期、有效期或检验期限。请不要食用或使用；若刚刚买到，可要求退换。" "It is past its date, or its inspection is overdue. Do not eat or use it. If you have just bought it, ask for your money back."
    AdviceViolation   "有人对它做了规定禁止的事，下方写明是哪一步、依据哪一条、该谁处理。请不要使用，退回给提供者，或拨打 12315。" "Someone did to it what the rules forbid; below is which step, under which article, and who must act. Do not use it: take it back to whoever supplied it, or call 12315."
    AdviceUnknown     "账本上没有这个码的任何记录。可能是录入延迟、码印错，或不是本账本的企业发的码。使用前请先向卖家核实。" "Nothing on this ledger names this code. It may not be recorded yet, be misprinted, or come from someone who is not on this ledger. Ask the seller before you use it."
    AdviceSold        "这个码以前已登记售出或使用，一个码只属于一件商品。如果不是您本人购买或使用的，请先不要使用，并向卖家核实。" "This code was recorded as sold or used before, and one code belongs to one item. If that was not you, do not use it before the seller has explained."
    AdviceBreach      "途中温度超出限值，时间和幅度见下方曲线。食用前请看、闻是否正常；疫苗和药品不得使用，请退回。" "The temperature left its limits; the curve below shows when and how far. Check look and smell before eating. Do not use a vaccine or medicine: return it."
    AdviceBroken      "有的环节没有留下记录，下方写明缺什么、该谁补。没有记录不等于有问题，但这一段无人作证。" "Some steps left no record; below is what is missing and who should add it. A missing record is not proof of a fault, but nobody vouches for that part."
    AdviceGap         "有一段时间没有温度数据，无法证明当时保持在限值内。已有的读数都在限值内。" "For some time there are no readings, so nothing shows the limits were kept then. The readings that exist are within limits."
    AdviceClear       "公开的记录里没有召回、没有不合格、没有过期。交接和温度不在公开记录里。" "On the open records there is no recall, no failed test and no expiry. Handovers and temperature are not on them."
    AdviceComplete    "从源头到现在，每次交接双方都有签名记录，未见召回、不合格或超温。" "From origin to now, both sides of every handover signed a record, with no recall, failed test or temperature excursion."
    CopyWarning       "批次码可以被复制：请核对包装上的批号、日期与本页一致。" "A lot code can be copied: check that lot and date on the pack match this page."
    CopyWarningSerial "码可以被复制：请核对包装上的号码、日期与本页一致。" "A code can be copied: check that number and date on the pack match this page."
    CheckPack         "请核对包装上印着：批号" "Check that the pack says LOT"
    CheckPackSerial   "请核对包装上印着：" "Check that the pack says"
    StateAsOf         "截至 {0}" "As of {0}"

    // What stops the goods.
    OrderRecall     "召回" "Recalled"
    OrderHold       "暂停" "Put on hold"
    OrderWhy        "原因" "Why"
    OrderOf         "针对" "Concerns"
    OrderBy         "决定者" "Ordered by"
    OrderSince      "自" "Since"
    OrderLevel1     "一级" "level 1, the gravest"
    OrderLevel2     "二级" "level 2"
    OrderLevel3     "三级" "level 3"
    OrderDegree     "级别" "Level"
    OrderCase       "案件" "Case"
    OrderDeadline   "处理期限" "To be decided by"
    OrderRetest     "解除前须检验" "To be tested before release"
    OrderMore       "另有 {0} 项决定只在下载的记录里。" "{0} more orders are in the downloadable record."

    // Facts of the first screen.
    ProductUnnamed  "未登记名称的商品" "Product without a registered name"
    Lot             "批号" "Lot"
    Serial          "追溯码" "Serial"
    Expiry          "保质期至" "Expiry"
    Maker           "生产者" "Made by"
    NotStated       "未登记" "not recorded"
    DaysPast        "已过 {0} 天" "{0} days ago"
    DaysLeft        "还有 {0} 天" "{0} days left"
    DayToday        "今天到期" "today"
    FactFrom        "来自" "From"
    FactWhen        "生产" "Produced"
    FactTemperature "温度" "Kept"
    FactAmbient     "常温，无需温控" "ambient"
    FactNoReadings  "没有温度记录" "no temperature record"
    FactProved      "全程在限值内" "always in range"
    FactBreach      "超限 {0}" "out of range for {0}"
    FactGap         "最长 {0} 没有数据" "up to {0} without data"
    FactOriginUnknown "来源不明" "origin not recorded"
    FactMore        "，另 {0} 处" " and {0} more"
    DaysAgo         "{0} 天前" "{0} days ago"
    DayZero         "当天" "today"

    // Sections.
    Story           "从源头到现在" "From origin to now"
    StoryMore       "另有 {0} 步只在下载的记录里。" "{0} more steps are in the downloadable record."
    TestMore        "另有 {0} 份只在下载的记录里。" "{0} more are in the downloadable record."
    StoryNone       "没有可以显示的记录。" "There are no records to show."
    Branch          "原料" "Ingredient"
    BranchStep      "1 步" "1 step"
    BranchSteps     "{0} 步" "{0} steps"
    MainBranch      "本商品" "This product"
    SignedBy        "签名" "Signed by"
    SignedFor       "代表" "on behalf of"
    WithOther       "对方" "Other side"
    StoryLate       "其中 {0} 步在发生一天以后才登记，最近一次在 {1}。" "{0} of these steps were recorded more than a day after they happened, the last of them on {1}."
    MarkLate        "补录于 {0}" "recorded late, on {0}"
    MarkSuspect     "签名密钥后来被吊销，此条存疑" "the signing key was revoked later: treat with doubt"
    MarkCorrected   "签名者已声明此条有误：{0}" "its signer declared this record wrong: {0}"
    Missing         "缺什么，该谁补" "What is missing, and whose it is"
    GapHere         "这里缺一段记录" "A record is missing here"
    MissingWhose    "应由 {0} 补录" "To be added by {0}"
    MissingNobody   "应由谁补录：未知" "Who should add it is not known"
    Repair          "怎么补：" "How to mend it: "
    FindingsTitle   "发现的问题" "What the records show"
    FindingWhose    "应由 {0} 处理" "To be dealt with by {0}"
    CutShort        "链条很长，本页只显示到 {0}。完整记录可下载。" "The chain is long; this page stops at {0}. The full record can be downloaded."
    TestsTitle      "检验与证明" "Tests and certificates"
    TestPass        "合格" "passed"
    TestFail        "不合格" "failed"
    TestCertificate "证明文件" "certificate"
    TestNumber      "编号 {0}" "No. {0}"
    TestItem        "项目" "Item"
    TestResult      "结果" "Result"
    TestLimit       "限值" "Limit"
    TestVerdict     "结论" "Verdict"
    TestNone        "没有登记检验结果。" "No test result is recorded."

    // Temperature.
    TemperatureTitle "温度曲线" "Temperature"
    CurveLabel      "{0} 的温度曲线。{1}" "Temperature while held by {0}. {1}"
    CurveLimits     "限值 {0}" "limits {0}"
    CurveBelow      "不高于 {0}" "at most {0}"
    CurveAbove      "不低于 {0}" "at least {0}"
    CurveBetween    "{0} 至 {1}" "{0} to {1}"
    CurveNoLimits   "未设限值" "no limits set"
    CurveWords      "最低 {0}，最高 {1}" "lowest {0}, highest {1}"
    CurveNoReading  "没有读数" "no readings"
    CurveOutside    "超限共 {0}" "out of range for {0} in all"
    CurveGap        "最长 {0} 没有数据" "longest time without data {0}"
    CurveNoGap      "读数间隔符合要求" "readings at the required interval"
    CurveTable      "用文字看这些数据" "The same as a table"
    CurveHolder     "保管者" "Held by"
    CurveFrom       "开始" "From"
    CurveUntil      "结束" "Until"
    CurveLimitsHead "限值" "Limits"
    CurveLowest     "最低" "Lowest"
    CurveHighest    "最高" "Highest"
    CurveOutsideHead "超限时长" "Time out of range"
    CurveGapHead    "最长空缺" "Longest gap"
    CurveCovered    "有读数的时间" "Covered by readings"
    CurveWorst      "最甚" "Worst"
    CurveKinetic    "平均动力学温度" "Mean kinetic temperature"
    CurveExcursion  "{0} 起 {1}，最甚 {2}" "from {0} for {1}, worst {2}"
    CurveExcursionHead "超限" "Excursions"
    CurveSource     "限值依据" "Limits from"
    CurveUnconfirmed "（尚待核对原文）" "(text not yet confirmed)"
    CurveNoData     "无数据" "no data"
    CurveMore       "另有 {0} 段只在下载的记录里。" "{0} more stretches are in the downloadable record."
    GradeProved     "已证实" "proved"
    GradeGap        "有空缺" "gap"
    GradeBreach     "超限" "out of range"

    // Proof.
    ProofTitle      "怎么知道记录没被改过？" "How do we know nothing was changed?"
    ProofChecked    "服务器核对了 {0} 个签名和它们在账本中的位置。" "The server checked {0} signatures and their places on the ledger."
    ProofOrigin     "账本" "Ledger"
    ProofSize       "记录条数" "Entries"
    ProofTime       "检查点时间" "Checkpoint time"
    ProofRoot       "根哈希" "Root hash"
    ProofWitnesses  "外部见证者" "Outside witnesses"
    ProofCode       "本码" "This code"
    ProofGet        "自己核对" "Check it yourself"
    ProofBundle     "下载证明（CBOR）" "Download the proof (CBOR)"
    ProofJson       "查看数据（JSON）" "See the data (JSON)"
    ProofCommand    "在电脑上离线核对：" "To verify offline on a computer:"
    ProofOpen       "可下载的证明包含公开记录：生产、检验、召回，一条不缺，任何人都能核对。经手方、交接和温度由本服务器根据全部签名记录算出；经手方、监管机关凭身份可取得完整证明。" "The proof to download holds the open records: making, tests and recalls, with none left out, for anyone to check. Who handled the goods, handovers and temperature are computed by this server from all signed records; those concerned, and their authorities, get the proof of these as well."
    ProofLimits     "签名说明是谁说的、之后没被改过；不说明说的是真的，也不说明手里的这件就是那一件。温度只说明探头处的温度。" "A signature shows who said something and that it is unchanged since. It does not show that it is true, nor that the item in your hand is that item. Temperature is that at the sensor."
    ProofNoWitness  "目前没有外部见证者；服务器若另造一份历史，本页看不出来。" "No outside witness has signed yet: this page cannot tell whether the server keeps a second history."

    // Step verbs by kind.
    StepOrigin      "源头" "Origin"
    StepMade        "加工制成" "Made"
    StepPacked      "包装或拆包" "Packed or unpacked"
    StepShipped     "发出" "Sent off"
    StepReceived    "签收" "Received"
    StepTested      "检验" "Inspected"
    StepCarried     "运输或储存" "Carried or stored"
    StepStocked     "入库或上架" "Put in store or on the shelf"
    StepEnded       "售出或使用" "Sold or used"
    StepStopped     "停止" "Stopped"
    StepOther       "其他记录" "Other record"

    // Step verbs by EPCIS business step, where the plain word differs from the kind's.
    BizAccepting    "验收" "Accepted"
    BizArriving     "到达" "Arrived"
    BizAssembling   "组装" "Assembled"
    BizCollecting   "收集" "Collected"
    BizCommissioning "源头" "Origin"
    BizConsigning   "托运" "Consigned"
    BizDecommissioning "注销编码" "Code retired"
    BizDeparting    "离开" "Departed"
    BizDestroying   "销毁" "Destroyed"
    BizDisassembling "分割" "Divided"
    BizDispensing   "接种或发药" "Given or dispensed"
    BizHolding      "封存" "Held back"
    BizFilling      "充装" "Filled"
    BizInstalling   "安装部件" "Part fitted"
    BizKilling      "屠宰" "Slaughtered"
    BizLoading      "装车" "Loaded"
    BizPacking      "装箱" "Packed"
    BizPicking      "拣货" "Picked"
    BizRemoving     "取下" "Removed"
    BizRepackaging  "重新包装" "Repacked"
    BizReplacing    "更换部件" "Part replaced"
    BizReserving    "预留" "Set aside"
    BizRetailSelling "售出" "Sold"
    BizSampling     "抽样" "Sampled"
    BizSensor       "记录温度" "Temperature recorded"
    BizStocking     "上架" "Put on the shelf"
    BizStoring      "储存" "Stored"
    BizTransporting "运输" "Transported"
    BizUnloading    "卸车" "Unloaded"
    BizUnpacking    "拆箱" "Unpacked"
    BizVoidShipping "撤销发货" "Shipment cancelled"

    // Breaks: what is missing, and how to mend it.
    BreakOrigin         "没有记录说明它从哪里来" "Nothing says where it comes from"
    BreakOriginFix      "由首个经手人补录收获、出生、生产，或附凭证的采购记录。" "The first holder records the harvest, birth, making, or purchase with its certificate."
    BreakReceipt        "发出了，但没有签收记录，货却在别处出现" "It was sent off and turned up elsewhere, but nobody recorded receiving it"
    BreakReceiptFix     "由收货方补录签收；迟录会标明，不作废。" "The receiver records the receipt. A late record is marked as late but counts."
    BreakShipment       "签收了，但没有发出记录" "It was received, but nobody recorded sending it"
    BreakShipmentFix    "由发货方补录发货，写明同一批号、数量和收货方。" "The sender records the shipment with the same lot, quantity and receiver."
    BreakHandover       "经手的人从未收到过它" "Someone handled it to whom it was never handed over"
    BreakHandoverFix    "由上一手和这一手各补录一条交接记录。" "The holder before and this one each record their side of the handover."
    BreakLot            "用了原料，但没写批号" "An ingredient was used without naming its lot"
    BreakLotFix         "由加工者更正该条记录，写上原料批号。" "The maker corrects that record and names the ingredient's lot."
    BreakForeign        "这一段记录在另一地区的账本上，尚未取得" "This part is on another region's ledger and has not been fetched"
    BreakForeignFix     "稍后再查，或到发码地区的账本查询。" "Try later, or ask the ledger of the region that issued the code."

    // Parts of the chain that are on other regions' ledgers.
    PartFrom        "货从这里来" "The goods came from here"
    PartTo          "货到了这里" "The goods went here"
    PartKnown       "该码记录在这里" "The code is recorded here"
    PartHere        "本地账本" "This ledger"
    PartWitnessed   "已按该地区账本核验，检查点有见证方联署，截至 {0}。" "Proved against that region's ledger, under a checkpoint its witnesses cosigned, as of {0}."
    PartRecorded    "已按该地区账本核验，尚无见证方联署，截至 {0}。" "Proved against that region's ledger, not yet cosigned by witnesses, as of {0}."
    PartSilent      "暂时联系不上该地区账本；最近一次证实于 {0}。" "That region's ledger cannot be reached; last proved {0}."
    PartNever       "暂时联系不上该地区账本，这一段从未证实过。" "That region's ledger cannot be reached; this part was never proved here."
    PartUnproved    "该地区账本的回答未通过核验（{0}），不予显示。" "That region's answer does not prove itself ({0}) and is not shown."
    TestImported    "外地检验结果互认：{0}；本地已有 {1} 家采信。" "A result of another region, recognised here: {0}; relied on by {1} here."
    TestReliedOn    "该结果被其他地区采信 {0} 次。" "Other regions relied on this result {0} times."

    // Findings.
    RuleCustody             "有人处理了不在自己手里的货" "Someone acted on goods they did not hold"
    RuleOrder               "时间顺序不对：早于产生或晚于结束" "Out of order: before it existed or after it had ended"
    RuleSingleParent        "同一件货同时在两个容器里" "One item was in two containers at the same time"
    RuleDoubleSpend         "发出、使用或售出的数量超过原有数量" "More was sent, used or sold than there was"
    RuleExpiry              "过期之后仍被发货、出售或使用" "It was sent, sold or used after its expiry"
    RuleSoldAgain           "同一个码售出或使用了两次，可能被复制" "One code was sold or used twice: it may have been copied"
    RulePartyMismatch       "交接双方写的对方不一致" "The two sides of a handover name different partners"
    RuleQuantityMismatch    "交接双方写的数量不一致" "The two sides of a handover name different quantities"
    RuleLicence             "当时没有所需的许可、备案或登记，或不在其范围内" "The licence, filing or registration that the act needs was missing, out of date or of another scope"
    RuleTestFailed          "有一项检验不合格" "A test failed"
    RuleTestMissing         "未见所需检验就上架或售出" "It was put on sale without a test that it needs"
    RuleRecalledMoving      "召回或暂停之后仍在流通" "It moved on after it was recalled or held"
    RuleTemperature         "温度超出限值" "The temperature left its limits"
    RuleTemperatureGap      "温度记录有空缺" "Temperature readings are missing"
    RuleVaccineUnrecorded   "没有全程温度记录就接收了疫苗" "A vaccine was accepted without its whole temperature record"
    RuleVaccineExcursion    "温度超限的疫苗仍被接收" "A vaccine was accepted although its temperature had left the limits"
    RuleCylinderOverdue     "气瓶或瓶阀未检、超期或不合格仍被充装" "A gas cylinder was filled though it or its valve was not inspected, overdue or failed"
    RuleCylinderScrapped    "已报废的气瓶仍被充装" "A gas cylinder was filled after it was scrapped"
    RuleDeviceCalibration   "测温设备的校准已过期或没有记录" "Readings come from a device whose calibration had run out or is not recorded"

    RuleReceivedTwice       "同一批发货在两个地区都有人签收" "One shipment was received in two regions"

    // Who must act does this.
    MendCustody             "由上一手和这一手各补录一条交接记录，写明同一批号、数量和对方。" "The holder before and this one each record their side of the handover, with the same lot, quantity and partner."
    MendOrder               "由记录者核对时间，用更正声明改正。" "Whoever recorded it checks the time and corrects the record."
    MendSingleParent        "补录从前一个容器取出的记录，或更正装入的记录。" "Record its removal from the first container, or correct the packing record."
    MendDoubleSpend         "核对库存与单据；更正数量，或补录漏记的入库。" "Check stock against documents; correct the quantity, or record the receipt that is missing."
    MendExpiry              "停止销售，标记、隔离并销毁过期货品，记录销毁。" "Stop selling it; mark, separate and destroy what is past its date, and record that."
    MendSoldAgain           "核对实物与来源凭证；如系误扫，由记录者更正。" "Check the item and its proof of origin; if it was scanned by mistake, correct the record."
    MendPartyMismatch       "双方核对运单，写错的一方更正记录。" "Both sides check the waybill; the one who was wrong corrects the record."
    MendQuantityMismatch    "双方清点核对；补录其余的签收，或更正数量。" "Both sides count again; record the rest of the receipt, or correct the quantity."
    MendLicence             "停止相应经营，向主管机关补办或更新；已有的，请主管机关补登记。" "Stop that business until the authority has granted or renewed it; if it exists, have the authority record it."
    MendTestFailed          "停止销售，通知上下手，按规定召回或申请复检。" "Stop selling it, tell those before and after, recall it or apply for a re-test as the law says."
    MendTestMissing         "暂停销售，由生产者补交此前的检验报告，或送检。" "Hold it; the maker adds the earlier test report, or has it tested."
    MendRecalledMoving      "立即停止并追回，报告主管机关。" "Stop it and fetch it back at once, and report to the authority."
    MendTemperature         "隔离货品，由质量负责人评估后处理；查明超温原因。" "Set the goods apart until the person in charge of quality has judged them; find the cause."
    MendTemperatureGap      "由保管者补传这段时间的温度记录；没有的，按无法证明处理。" "Whoever held it uploads the readings of that time; without them nothing is proved."
    MendVaccineUnrecorded   "隔离疫苗，向配送方索要全程温度记录；得不到的，报告药监和卫健部门。" "Set the vaccine apart and get the whole record from whoever delivered it; without it, report to the drug and health authorities."
    MendVaccineExcursion    "停止使用并隔离，立即报告药监和卫健部门。" "Do not use it: set it apart and report to the drug and health authorities at once."
    MendCylinderOverdue     "停用该瓶，送检合格后再充装；已检的，由检验机构补录。" "Take it out of use until it has passed inspection; if it has, the inspector records that."
    MendCylinderScrapped    "立即追回，消除使用功能，报告特种设备主管部门。" "Fetch it back at once, make it unusable, and report to the special equipment authority."
    MendDeviceCalibration   "停用该设备并送校；已校准的，由校准机构补录证书。" "Take the device out of use and have it calibrated; if it was, the laboratory records the certificate."

    MendReceivedTwice       "两地各自核对运单；签收有误的一方更正记录，否则报告两地主管机关。" "Both regions check the waybill; whoever was wrong corrects the record, else tell both authorities."

    // Laws and standards, and how an article of one is cited.
    LawDrug                 "药品管理法" "Drug Administration Law"
    LawFood                 "食品安全法" "Food Safety Law"
    LawFoodRegulation       "食品安全法实施条例" "Food Safety Law, Implementing Regulation"
    LawGb31605              "GB 31605-2020 食品冷链物流卫生规范" "GB 31605-2020, hygiene of the food cold chain"
    LawGsp                  "药品经营质量管理规范附录" "Good Supply Practice for medicines, annex"
    LawProduce              "农产品质量安全法" "Farm Produce Quality and Safety Law"
    LawSpecialEquipment     "特种设备安全法" "Special Equipment Safety Law"
    LawVaccine              "疫苗管理法" "Vaccine Administration Law"
    LawArticle      "{0}第{1}条" "{0}, art. {1}"
    LawClause       "{0}第{1}条" "{0}, clause {1}"
    FindingArticles "依据" "Under"
    FindingOpened   "发现于 {0}" "found on {0}"
    FindingClosed   "已于 {0} 补齐，关闭" "mended and closed on {0}"
    SeverityFlag    "提示" "to be mended"
    SeverityHold    "应暂停" "hold"
    SeverityReject  "禁止" "forbidden"

    // Roles, places, licences, storage classes.
    RoleAuthority   "主管机关" "authority"
    RoleCarrier     "承运商" "carrier"
    RoleDistributor "经销商" "distributor"
    RoleLaboratory  "检测机构" "laboratory"
    RoleProcessor   "加工企业" "processor"
    RoleProducer    "种养生产者" "producer"
    RoleRegulator   "监管机构" "regulator"
    RoleRetailer    "零售商" "retailer"
    RoleSite        "使用单位" "place of use"
    PlaceFarm       "农场" "farm"
    PlaceFactory    "工厂" "factory"
    PlaceSlaughter  "屠宰场" "slaughterhouse"
    PlaceColdStore  "冷库" "cold store"
    PlaceWarehouse  "仓库" "warehouse"
    PlaceTruck      "车辆" "truck"
    PlaceShop       "门店" "shop"
    PlaceMarket     "市场" "market"
    PlaceCanteen    "食堂" "canteen"
    PlaceClinic     "门诊" "clinic"
    PlaceLaboratory "实验室" "laboratory"
    LicenceSc       "食品生产许可证" "food production licence"
    LicenceJy       "食品经营许可证" "food trading licence"
    LicenceYb       "预包装食品销售备案" "packaged food sales filing"
    LicenceCma      "检验检测机构资质认定" "laboratory accreditation (CMA)"
    LicenceTransport "道路运输经营许可证" "road transport licence"
    LicenceSlaughter "生猪定点屠宰证" "slaughter licence"
    LicenceAnimal   "动物防疫条件合格证" "animal health certificate"
    LicenceDrugMake "药品生产许可证" "medicine production licence"
    LicenceDrugSell "药品经营许可证" "medicine trading licence"
    LicenceVaccination "预防接种资质" "vaccination permit"
    LicenceCdc      "疾病预防控制机构" "public disease control institute"
    LicenceFilling  "气瓶充装许可证" "cylinder filling licence"
    LicenceOther    "许可证" "licence"
    ClassAmbient    "常温" "ambient"
    ClassChilled    "冷藏食品" "chilled food"
    ClassChilledMeat "冷鲜肉" "chilled meat"
    ClassFrozen     "冷冻食品" "frozen food"
    ClassVaccine    "疫苗" "vaccine"
    ClassVaccineFrozen "冷冻疫苗" "frozen vaccine"
    ClassDrugCold   "冷藏药品" "refrigerated medicine"
    ClassDrugCool   "阴凉药品" "medicine kept cool"
    ClassDrugRoom   "常温药品" "medicine at room temperature"
    ThingPallet     "托盘或箱子" "pallet or case"
    ThingVehicle    "车辆或设备" "vehicle or device"
    ThingUnnamed    "未登记名称的物品" "item without a registered name"
    PartyWithheld   "名称不公开" "not named in public"
    PlaceWithheld   "地点不公开" "place not public"
    PartyUnnamed    "未登记的一方" "a party not on this ledger"
    PlaceUnnamed    "未登记的地点" "a place not on this ledger"
    Suspended       "已暂停资格" "suspended"

    // Units of time.
    Minutes         "{0} 分钟" "{0} min"
    Hours           "{0} 小时" "{0} h"
    HoursMinutes    "{0} 小时 {1} 分钟" "{0} h {1} min"
    DateOf          "{0}年{1}月{2}日" "{2} {1} {0}"
    DateOfThisYear  "{1}月{2}日" "{2} {1}"
    LocalTime       "时间均为北京时间。" "All times are Beijing time (UTC+8)."
    And             "、" ", "
    Semicolon       "；" "; "

    // Other pages.
    HomeTitle       "查来源" "Look up where it comes from"
    HomeLead        "扫描包装上的二维码，或输入码下面的文字。" "Scan the code on the pack, or type the text printed below it."
    HomeLabel       "追溯码" "Trace code"
    HomeButton      "查询" "Look up"
    HomeExample     "例如 (01)06909813001010(10)WT-5326" "for example (01)06909813001010(10)WT-5326"
    NextTitle       "接下来可以" "What you can do"
    UnknownNext1    "再扫一次，确认扫的是追溯码，不是价签或宣传码。" "Scan again: make sure it is the trace code, not a price tag or an advertisement."
    UnknownNext2    "核对包装上的批号，手工输入再查。" "Compare with the lot on the pack and type it in."
    UnknownNext3    "仍查不到：问卖家要来源凭证；可疑就拨打 12315。" "Still nothing: ask the seller for proof of origin; if in doubt call 12315."
    UnknownProof    "账本证明了“没有这个码”，证明可下载。" "The ledger can prove that the code is not on it; the proof can be downloaded."
    CodeGiven       "您查询的码" "The code you asked for"
    MalformedTitle  "这个码读不懂" "This code cannot be read"
    MalformedLead   "它不像一个追溯码：可能漏了字符、抄错一位，或者扫到了别的码。" "It does not look like a trace code: a character may be missing or wrong, or it is some other code."
    MalformedWhy    "具体原因" "What is wrong"
    MalformedNext1  "擦净标签、展平包装，再扫一次。" "Wipe the label, flatten the pack and scan again."
    MalformedNext2  "手工输入码下面的文字，括号可以省略。" "Type the text printed below the code."
    ForeignTitle    "这个码属于另一本账" "This code belongs to another ledger"
    ForeignLead     "它由别的地区或系统发出，本账本没有它的记录。这不说明商品有问题。" "It was issued by another region or system, and this ledger has no record of it. That says nothing against the goods."
    ForeignNext1    "打开包装上印的网址，或到发码方的平台查询。" "Open the address printed on the pack, or ask the platform that issued the code."
    ForeignNext2    "商品在本地再包装或首站登记后会有本地码，请找包装上的另一个码。" "Goods that were repacked or registered here carry a local code: look for a second code on the pack."
    AskTitle        "请输入批号" "Which lot is it?"
    AskLead         "这个码只说明是哪种商品。每一批的来源不同，请把包装上的批号填进来。" "This code only names the product. Every lot has its own story: enter the lot number printed on the pack."
    AskLabel        "包装上的批号" "Lot number on the pack"
    AskHint         "通常在“批号”“LOT”或生产日期旁边。" "Usually next to LOT or the production date."
    AskGtin         "商品条码" "Product number"
    ParticipantTitle "签名者" "Who signs"
    ParticipantRoles "身份" "Roles"
    ParticipantDistrict "所在地" "District"
    ParticipantUscc "统一社会信用代码" "Unified social credit code"
    ParticipantHandle "账本编号" "Handle on the ledger"
    ParticipantLead "下列信息由主管机关登记在账本上。" "The authority put the following on the ledger."
    BackHome        "查另一个码" "Look up another code"
    ProblemStatus   "状态码" "Status"
    ApiTitle        "接口说明" "The API"
    ApiLead         "机器可读的说明：" "The machine-readable description:"
    ApiParameters   "参数" "Parameters"
    ApiAnswers      "应答" "Answers"
    ApiRequired     "必填" "required"

    // The verifier that needs no server: what it asks, and how its reports read.
    VerifyTitle      "核验证明" "Verify a proof"
    VerifyLead       "选一个证明文件，本页在您的设备上核对它：签名、账本位置、有没有遗漏。文件不会离开您的设备，断网也能用。" "Choose a proof file. This page checks it on your device: signatures, places on the ledger, and that nothing is left out. The file does not leave your device, and no network is needed."
    VerifyWhose      "由某个服务器提供的脚本来核对该服务器的答案，只对信任它的人有说服力。请用另一地区提供的、或自己早先保存的这一页，并核对其 SHA-256。" "A check by a server's own script convinces only those who trust that server. Use the copy of this page that another region serves, or one that you saved before, and compare its SHA-256."
    VerifyFile       "证明文件，也可以拖到这里：证明包、收据、见证收据（.tlog-proof）、“先查后动”的答复" "Proof file; you may also drop it here: a bundle, a receipt, a witnessed receipt (.tlog-proof), an answer to a check"
    VerifyEntry      "收据所证明的声明（.entry.cbor，只有收据需要）" "The statement that a receipt is for (.entry.cbor; only receipts need it)"
    VerifyRemembered "您早先保存的检查点（可不填）：与它矛盾的证明不被接受" "A checkpoint that you saved earlier (optional): a proof that contradicts it is refused"
    VerifyTrust      "信任谁：账本公钥一行，或整个信任文件" "Whom you trust: the ledger's key in one line, or a whole trust file"
    VerifyTrustHint  "请从证明以外的途径取得，并打电话核对。只填公钥，就不要求见证者。" "Get it by another way than the proof, and compare it by telephone. A key alone asks for no witness."
    VerifyCode       "手中包装上的码（可不填）" "The code on the pack in your hand (optional)"
    VerifyAge        "检查点最多可以多旧（小时）" "How old the checkpoint may be (hours)"
    VerifyBusy       "正在核对…" "Checking…"
    VerifyNoWasm     "这个浏览器不支持 WebAssembly，或不允许本页使用它：请换一个浏览器，或在电脑上用 suyuan verify。" "This browser has no WebAssembly or does not let this page use it: take another browser, or suyuan verify on a computer."
    VerifyFailed     "核对程序自己出错了，什么也没有证明。请保留文件并报告：" "The verifier itself failed, and nothing is proved. Keep the file and report it: "
    VerifyUnasked    "还没有核对" "Nothing was checked"
    VerifyTrustBad   "信任谁：填写的不是账本公钥，也不是信任文件。请重新完整复制：信任文件有一行 quorum。" "Whom you trust: what is entered is neither a ledger's key nor a trust file. Copy it again in full: a trust file has a quorum line."
    VerifyCodeBad    "手中包装上的码读不懂：请照原样输入，或留空。" "The code on the pack cannot be read: type it as printed, or leave it empty."
    VerifyRememberedBad "早先保存的检查点：不是所信任账本的检查点。请照原样粘贴，或留空。" "The checkpoint that you saved: it is none of a ledger that you trust. Paste it as it was, or leave it empty."
    VerifyEntryNeeded "收据要和它所证明的声明一起核对：请再选声明文件（.entry.cbor）。" "A receipt is checked together with the statement that it is for: choose that file too (.entry.cbor)."
    VerifyOptionsBad "页面交给核对程序的选项不对：这是页面的错，请报告。" "What the page handed to the verifier is not in order: that is the page's fault, please report it."
    VerifyRefused    "未通过核验" "Not proved"
    VerifyRefusedLead "这个文件不能证明它所说的：它被改动、伪造或有遗漏。请保留原文件作为证据，并告诉监管部门。" "This file does not prove what it says: it was altered, forged, or something is left out. Keep it as evidence and tell the authority."
    VerifyTorn       "文件不完整或被改动。请重新下载；若仍如此，请保留文件。" "The file is torn or altered. Download it again; if that changes nothing, keep the file."
    VerifyMalformed  "这不是一个完好的证明文件。请重新下载。" "This is not a sound proof file. Download it again."
    VerifyFork       "账本对同样的条数签过另一个根：它给别人看的是另一份历史。请保留两份文件作为证据，并告诉监管部门。" "The ledger signed another root for the same size: it shows others another history. Keep both files as evidence and tell the authority."
    VerifyOlder      "证明出自比您所保存的更小的账本：是旧证明，或账本被退回过。请重新下载；若仍如此，请保留两份文件作为证据。" "The proof is from a smaller ledger than the one you saved: an old proof, or a ledger that was set back. Download it again; if that changes nothing, keep both files as evidence."
    VerifyLogUnknown "证明来自另一个账本，不是您信任的那一个。核对公钥一行里的名称。" "The proof is of another ledger than the one you trust. Compare the name in the key's line."
    VerifyOtherItem  "证明本身成立，但说的是另一个码，不是您手中的这一个。" "The proof stands, but it is about another code than the one in your hand."
    VerifyName       "原因代号" "Reason"
    VerifyWhy        "具体原因" "In detail"
    VerifyAgeTitle   "时间" "Time"
    VerifyStale      "最新检查点已有 {0} 小时：之后的召回等记录不在其中。请重新下载证明。" "The newest checkpoint is {0} hours old: what was recorded since, such as a recall, is not in it. Download the proof again."
    VerifyClockLags  "这台设备的时钟比账本慢：无法判断证明有多旧。请校准时钟。" "This device's clock is behind the ledger's: how old the proof is cannot be told. Set the clock."
    VerifyOrders     "召回与暂停" "Recalls and holds"
    VerifyRecord     "记录" "Record"
    VerifyComplete   "完整：每条来路都追到源头，每次交接双方都有记录" "complete: every way back ends at an origin, every handover has both sides"
    VerifyIncomplete "不完整" "not complete"
    VerifyCorrected  "签名者已声明此条有误" "declared wrong by its signer"
    VerifyFacts      "证明的依据" "What the proof rests on"
    VerifySignatures "本机核对的签名" "Signatures checked on this device"
    VerifyStatements "声明" "Statements"
    VerifyStanding   "见证情况" "Standing"
    VerifyRecorded   "已记录：只有账本自己的签名，您没有要求见证者" "recorded: the ledger's own signature, you ask for no witness"
    VerifyRecordedOnly "已记录，尚未见证：签名的见证者少于信任文件的要求" "recorded, not witnessed: fewer witnesses signed than the trust file asks for"
    VerifyWitnessed  "已见证：信任文件里 {1} 个见证者有 {0} 个签名，达到其要求" "witnessed: by {0} of {1} witnesses in the trust file, as many as it asks for"
    VerifyCosigned   "见证者" "Cosigned by"
    VerifyFewWitnesses "签名的见证者少于信任文件的要求：别人看到的可能是另一份历史。请稍后重新下载证明，仍不足时询问账本的运营者。" "Fewer witnesses signed than the trust file asks for: others may have been shown another history. Download the proof again later, and ask the ledger's operator if that changes nothing."
    VerifyProved     "已证明" "Proved"
    VerifyProvedAll  "以上声明由所列各方签署，已记入账本，未被改动；截至该时刻，账本上关于这个码的记录没有遗漏。" "These statements were signed by those they name, are on the ledger and were not changed; as of that moment nothing that it holds about this code is left out."
    VerifyProvedOpen "以上是公开记录：生产、检验、召回，由所列各方签署，一条不缺；经手方、交接和温度不在其中。" "These are the open records, making, tests and recalls, signed by those they name, with none left out. Who handled the goods, handovers and temperature are not among them."
    VerifyProvedOnce "签名的见证者没有见过这个账本的另一份历史。" "The witnesses that signed have seen no other history of this ledger."
    VerifyNotProved  "没有证明" "Not proved"
    VerifyNotLater   "该时刻之后的记录，例如新的召回：请重新下载证明。" "Anything recorded after that moment, such as a recall: download the proof again for news."
    VerifyNotWitness "足够的其他账本见证过：签名的见证者没有达到信任文件的要求，或它不要求见证者。" "That enough others have witnessed this: fewer witnesses signed than the trust file asks for, or it asks for none."
    VerifyVerdict    "结论" "Verdict"
    VerifyOwn        "只看所问的账本" "The ledger that was asked, alone"
    VerifyPart       "另一账本的部分：{0}" "Part on another ledger: {0}"
    VerifyPartMissing "不在这个文件中；最近一次证实于 {0}。" "Not in this file; last proved {0}."
    VerifyPartNever  "不在这个文件中，也从未证实过。" "Not in this file, and never proved."
    VerifyPartsMissing "链条的一部分在其他账本上，不在这个文件中：那里的召回等记录在此看不到。请下载包含各地区的证明。" "A part of the chain is on another ledger and not in this file: what is recorded there, such as a recall, does not show here. Download the proof with all regions."
    VerifyNotPart    "{0} 账本上的部分：不在这个文件中。" "The part on {0}: it is not in this file."
    VerifyNotCut     "更远的部分：链条跨越的地区超过一个证明所能容纳的。" "What lies further: the chain crosses more regions than one proof may hold."
    VerifyImports    "来自其他账本的记录" "Records of other ledgers"
    VerifyImportWitnessed "按那个账本自己的签名和见证者核验过。" "Proved against that ledger's own signature and its witnesses."
    VerifyImportRecorded "按那个账本自己的签名核验过；签名的见证者少于您的信任文件的要求，或它不要求见证者。" "Proved against that ledger's own signature; fewer witnesses signed than your trust file asks for, or it asks for none."
    VerifyImportTaken "您的信任文件里没有那个账本：这些记录由导入它们的账本担保。" "Your trust file does not name that ledger: the ledger that imported these records vouches for them."
    VerifyEntryRecorded "已记入账本" "Recorded"
    VerifyEntryWitnessed "已记入账本，并有见证" "Recorded and witnessed"
    VerifyEntryLead  "账本在所列位置收有这份声明。" "The ledger holds this statement at the place shown."
    VerifyLeaf       "位置" "Place"
    VerifyIssuer     "声明者编号" "Issuer's handle"
    VerifyCapture    "提交编号" "Capture id"
    VerifyIssued     "收据时间" "Receipt of"
    VerifyProvedEntry "这份声明已记入该账本的这个位置，未被改动。" "This statement is on that ledger, at that place, and was not changed."
    VerifyNotContent "声明里写了什么、是谁的签名：账本只存承诺，这个文件不展示内容，也没有声明者的公钥。" "What the statement says and whose signature it bears: the ledger holds a commitment, and this file shows no content and no key of its issuer."
    VerifyCheckLead  "账本对一次“先查后动”询问的答复。" "The ledger's answer to a check before an act."
    VerifyCheckAct   "要做的事" "To be done"
    VerifyCheckProved "账本在该时刻、依据该账本根，对这一询问作出了以上答复。" "The ledger gave this answer to this question, at that moment, from the tree of that root."
    VerifyNotRight   "答复是否正确：请取证明包重新计算。" "That the answer is right: a bundle of the same code computes it again."
    VerifyTwoHistories "账本签署了两段历史" "The ledger signed two histories"
    VerifyForkLead     "已证明：同一账本的密钥签署了两个检查点，后者不是从前者增长而来，有人被展示过另一段历史。请保留此文件，告诉监管部门和依赖这个账本的人。" "Proved: one ledger's key signed two checkpoints, and the newer did not grow from the older, so that somebody has been shown another history. Keep this file, and tell the authority and those who rely on the ledger."
    VerifyForkOlder    "其一（较早）" "One, the older"
    VerifyForkNewer    "其二（较新）" "The other, the newer"
    VerifyForkKey      "签署的密钥" "Signed with"
    VerifyForkPrefix   "其二在较早条数处的根" "Its root at the older size"
    VerifyForkBoth     "两份都见证了，同样不可信" "Cosigned both, and is not honest either"
    VerifyForkNotWhich "哪一段历史属实，以及两者从哪条记录起不同。" "Which of the two histories is right, and at which record they part."
    VerifyForkNotWho   "是谁签的：可能是运营者，也可能是拿到密钥的他人；也不证明何时签署。" "Who signed: the operator, or somebody who has the key; nor when."
    ProofElsewhere   "在浏览器里核对，由另一地区提供：" "To verify in a browser, served by another region:"
    ProofHere        "在浏览器里核对，由本服务器提供：它的脚本核对它自己的答案，只对信任它的人有说服力。" "To verify in a browser, served by this server: its own script checks its own answer, which convinces only those who trust it."
    ProofPage        "打开核验页" "Open the verifier"
    ProofPolicy      "信任文件：账本公钥、见证者、要求多少见证者签名。请另行核对：" "Trust file: the ledger's key, its witnesses, how many of them must sign. Compare it by another way:"
}

/// `template` with `{0}`, `{1}` and so on replaced by `values`, each once over the template: a value
/// that looks like a place is not replaced again.
#[must_use]
pub fn fill(template: &str, values: &[&str]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (number, after) = after.split_once('}').unwrap_or((after, ""));
        let value = number
            .parse::<usize>()
            .ok()
            .and_then(|index| values.get(index));
        text.push_str(value.copied().unwrap_or_default());
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Months as English dates write them; Chinese ones use the number.
pub const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The verdict's word.
#[must_use]
pub const fn verdict(verdict: Verdict) -> Key {
    match verdict {
        Verdict::Recalled => Key::VerdictRecalled,
        Verdict::Held => Key::VerdictHeld,
        Verdict::FailedTest => Key::VerdictFailedTest,
        Verdict::Expired => Key::VerdictExpired,
        Verdict::Violation => Key::VerdictViolation,
        Verdict::Unknown => Key::VerdictUnknown,
        Verdict::Sold => Key::VerdictSold,
        Verdict::Breach => Key::VerdictBreach,
        Verdict::Broken => Key::VerdictBroken,
        Verdict::Gap => Key::VerdictGap,
        Verdict::Clear => Key::VerdictClear,
        Verdict::Complete => Key::VerdictComplete,
    }
}

/// What the verdict means, and what to do; of a recall by what is wrong with the goods.
#[must_use]
pub const fn advice(verdict: Verdict, fault: Option<Fault>) -> Key {
    match verdict {
        Verdict::Recalled if matches!(fault, Some(Fault::Label)) => Key::AdviceRecalledLabel,
        Verdict::Held => Key::AdviceHeld,
        Verdict::Recalled => Key::AdviceRecalled,
        Verdict::FailedTest => Key::AdviceFailedTest,
        Verdict::Expired => Key::AdviceExpired,
        Verdict::Violation => Key::AdviceViolation,
        Verdict::Unknown => Key::AdviceUnknown,
        Verdict::Sold => Key::AdviceSold,
        Verdict::Breach => Key::AdviceBreach,
        Verdict::Broken => Key::AdviceBroken,
        Verdict::Gap => Key::AdviceGap,
        Verdict::Clear => Key::AdviceClear,
        Verdict::Complete => Key::AdviceComplete,
    }
}

/// A level of an order.
#[must_use]
pub const fn level(level: Level) -> Key {
    match level {
        Level::One => Key::OrderLevel1,
        Level::Two => Key::OrderLevel2,
        Level::Three => Key::OrderLevel3,
    }
}

/// The plain verb of a step: by its EPCIS business step where that says more than the kind.
#[must_use]
pub fn verb(kind: StepKind, biz_step: Option<&str>) -> Key {
    // The bare word after any URI, CURIE or URN form (CBV 2.0 §7.1).
    let word = biz_step
        .and_then(|step| step.rsplit([':', '/', '-']).next())
        .unwrap_or_default();
    match word {
        "accepting" => Key::BizAccepting,
        "arriving" => Key::BizArriving,
        "assembling" => Key::BizAssembling,
        "collecting" => Key::BizCollecting,
        "commissioning" if kind == StepKind::Origin => Key::BizCommissioning,
        "consigning" => Key::BizConsigning,
        "decommissioning" => Key::BizDecommissioning,
        "departing" => Key::BizDeparting,
        "destroying" => Key::BizDestroying,
        "disassembling" => Key::BizDisassembling,
        "dispensing" => Key::BizDispensing,
        "filling" => Key::BizFilling,
        "holding" => Key::BizHolding,
        "installing" => Key::BizInstalling,
        "killing" => Key::BizKilling,
        "loading" => Key::BizLoading,
        "packing" => Key::BizPacking,
        "picking" => Key::BizPicking,
        "removing" => Key::BizRemoving,
        "repackaging" => Key::BizRepackaging,
        "replacing" => Key::BizReplacing,
        "reserving" => Key::BizReserving,
        "retail_selling" => Key::BizRetailSelling,
        "sampling" => Key::BizSampling,
        "sensor_reporting" => Key::BizSensor,
        "stocking" => Key::BizStocking,
        "storing" => Key::BizStoring,
        "transporting" => Key::BizTransporting,
        "unloading" => Key::BizUnloading,
        "unpacking" => Key::BizUnpacking,
        "void_shipping" => Key::BizVoidShipping,
        _ => match kind {
            StepKind::Origin => Key::StepOrigin,
            StepKind::Made => Key::StepMade,
            StepKind::Packed => Key::StepPacked,
            StepKind::Shipped => Key::StepShipped,
            StepKind::Received => Key::StepReceived,
            StepKind::Tested => Key::StepTested,
            StepKind::Carried => Key::StepCarried,
            StepKind::Stocked => Key::StepStocked,
            StepKind::Ended => Key::StepEnded,
            StepKind::Stopped => Key::StepStopped,
            StepKind::Other => Key::StepOther,
        },
    }
}

/// What a break means, and how to mend it.
#[must_use]
pub const fn broken(kind: BreakKind) -> (Key, Key) {
    match kind {
        BreakKind::OriginMissing => (Key::BreakOrigin, Key::BreakOriginFix),
        BreakKind::ReceiptMissing => (Key::BreakReceipt, Key::BreakReceiptFix),
        BreakKind::ShipmentMissing => (Key::BreakShipment, Key::BreakShipmentFix),
        BreakKind::HandoverMissing => (Key::BreakHandover, Key::BreakHandoverFix),
        BreakKind::LotMissing => (Key::BreakLot, Key::BreakLotFix),
        BreakKind::ForeignUnresolved => (Key::BreakForeign, Key::BreakForeignFix),
    }
}

/// What a rule found, and how to mend it.
#[must_use]
pub const fn rule(rule: Rule) -> (Key, Key) {
    match rule {
        Rule::Custody => (Key::RuleCustody, Key::MendCustody),
        Rule::Order => (Key::RuleOrder, Key::MendOrder),
        Rule::SingleParent => (Key::RuleSingleParent, Key::MendSingleParent),
        Rule::DoubleSpend => (Key::RuleDoubleSpend, Key::MendDoubleSpend),
        Rule::Expiry => (Key::RuleExpiry, Key::MendExpiry),
        Rule::SoldAgain => (Key::RuleSoldAgain, Key::MendSoldAgain),
        Rule::PartyMismatch => (Key::RulePartyMismatch, Key::MendPartyMismatch),
        Rule::QuantityMismatch => (Key::RuleQuantityMismatch, Key::MendQuantityMismatch),
        Rule::Licence => (Key::RuleLicence, Key::MendLicence),
        Rule::TestFailed => (Key::RuleTestFailed, Key::MendTestFailed),
        Rule::TestMissing => (Key::RuleTestMissing, Key::MendTestMissing),
        Rule::RecalledMoving => (Key::RuleRecalledMoving, Key::MendRecalledMoving),
        Rule::Temperature => (Key::RuleTemperature, Key::MendTemperature),
        Rule::TemperatureGap => (Key::RuleTemperatureGap, Key::MendTemperatureGap),
        Rule::VaccineUnrecorded => (Key::RuleVaccineUnrecorded, Key::MendVaccineUnrecorded),
        Rule::VaccineExcursion => (Key::RuleVaccineExcursion, Key::MendVaccineExcursion),
        Rule::CylinderOverdue => (Key::RuleCylinderOverdue, Key::MendCylinderOverdue),
        Rule::CylinderScrapped => (Key::RuleCylinderScrapped, Key::MendCylinderScrapped),
        Rule::DeviceCalibration => (Key::RuleDeviceCalibration, Key::MendDeviceCalibration),
        Rule::ReceivedTwice => (Key::RuleReceivedTwice, Key::MendReceivedTwice),
    }
}

/// A law or standard by name, and whether its numbers are clauses and not articles.
#[must_use]
pub const fn law(law: Law) -> (Key, bool) {
    match law {
        Law::Drug => (Key::LawDrug, false),
        Law::Food => (Key::LawFood, false),
        Law::FoodRegulation => (Key::LawFoodRegulation, false),
        Law::Gb31605 => (Key::LawGb31605, true),
        Law::Gsp => (Key::LawGsp, true),
        Law::Produce => (Key::LawProduce, false),
        Law::SpecialEquipment => (Key::LawSpecialEquipment, false),
        Law::Vaccine => (Key::LawVaccine, false),
    }
}

/// How grave a finding is.
#[must_use]
pub const fn severity(severity: Severity) -> Key {
    match severity {
        Severity::Flag => Key::SeverityFlag,
        Severity::Hold => Key::SeverityHold,
        Severity::Reject => Key::SeverityReject,
    }
}

/// How well a temperature is proved.
#[must_use]
pub const fn grade(grade: Grade) -> Key {
    match grade {
        Grade::Proved => Key::GradeProved,
        Grade::Gap => Key::GradeGap,
        Grade::Breach => Key::GradeBreach,
    }
}

/// What a participant does.
#[must_use]
pub const fn role(role: Role) -> Key {
    match role {
        Role::Authority => Key::RoleAuthority,
        Role::Carrier => Key::RoleCarrier,
        Role::Distributor => Key::RoleDistributor,
        Role::Laboratory => Key::RoleLaboratory,
        Role::Processor => Key::RoleProcessor,
        Role::Producer => Key::RoleProducer,
        Role::Regulator => Key::RoleRegulator,
        Role::Retailer => Key::RoleRetailer,
        Role::Site => Key::RoleSite,
    }
}

/// What a place is, by the word of its master data; `None` for a word not known here.
#[must_use]
pub fn place_kind(word: &str) -> Option<Key> {
    Some(match word {
        "farm" => Key::PlaceFarm,
        "factory" => Key::PlaceFactory,
        "slaughterhouse" => Key::PlaceSlaughter,
        "cold_store" => Key::PlaceColdStore,
        "warehouse" => Key::PlaceWarehouse,
        "truck" => Key::PlaceTruck,
        "shop" => Key::PlaceShop,
        "market" => Key::PlaceMarket,
        "canteen" => Key::PlaceCanteen,
        "clinic" => Key::PlaceClinic,
        "laboratory" => Key::PlaceLaboratory,
        _ => return None,
    })
}

/// What a licence is for, by the word of its registry record.
#[must_use]
pub fn licence(word: &str) -> Key {
    match word {
        "SC" => Key::LicenceSc,
        "JY" => Key::LicenceJy,
        "YB" => Key::LicenceYb,
        "CMA" => Key::LicenceCma,
        "TRANSPORT" => Key::LicenceTransport,
        "SLAUGHTER" => Key::LicenceSlaughter,
        "ANIMAL_HEALTH" => Key::LicenceAnimal,
        "DRUG_PRODUCTION" => Key::LicenceDrugMake,
        "DRUG_BUSINESS" => Key::LicenceDrugSell,
        "VACCINATION" => Key::LicenceVaccination,
        "CDC" => Key::LicenceCdc,
        "FILLING" => Key::LicenceFilling,
        _ => Key::LicenceOther,
    }
}

/// A storage class, by the word of product master data; `None` for a word not known here.
#[must_use]
pub fn storage_class(word: &str) -> Option<Key> {
    Some(match word {
        "AMBIENT" => Key::ClassAmbient,
        "CHILLED" => Key::ClassChilled,
        "CHILLED_MEAT" => Key::ClassChilledMeat,
        "FROZEN" => Key::ClassFrozen,
        "VACCINE" => Key::ClassVaccine,
        "VACCINE_FROZEN" => Key::ClassVaccineFrozen,
        "DRUG_COLD" => Key::ClassDrugCold,
        "DRUG_COOL" => Key::ClassDrugCool,
        "DRUG_ROOM" => Key::ClassDrugRoom,
        _ => return None,
    })
}
