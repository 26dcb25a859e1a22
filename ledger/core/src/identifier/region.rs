//! Region codes (GB/T 2260): who has jurisdiction, and the names we can show.

use std::fmt;

/// A six-digit region code: province, prefecture, county, two digits each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region([u8; 6]);

impl Region {
    /// Reads six digits; anything else is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 6] = text.as_bytes().try_into().ok()?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then_some(Self(digits))
    }

    /// Whether this region lies in the jurisdiction `prefix`: 2, 4 or 6 digits, any other length
    /// is no jurisdiction. `51` is Sichuan, `5101` Chengdu, `510107` 武侯.
    #[must_use]
    pub fn is_within(&self, prefix: &str) -> bool {
        [2, 4, 6].contains(&prefix.len()) && self.0.starts_with(prefix.as_bytes())
    }

    /// The name, in Chinese for `zh` and its regions, English for `en`; `None` for other
    /// languages and for regions outside Chengdu and Chongqing and those around them.
    #[must_use]
    pub fn name(&self, lang: &str) -> Option<&'static str> {
        let (_, zh, en) = NAMES
            .iter()
            .find(|(code, _, _)| code.as_bytes() == self.0)?;
        match lang.split('-').next()? {
            "zh" => Some(zh),
            "en" => Some(en),
            _ => None,
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|&digit| write!(f, "{}", char::from(digit)))
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Code, Chinese and English name; National Bureau of Statistics, list of 2023.
static NAMES: &[(&str, &str, &str)] = &[
    ("510000", "四川省", "Sichuan"),
    ("510100", "成都市", "Chengdu"),
    ("510104", "锦江区", "Jinjiang District"),
    ("510105", "青羊区", "Qingyang District"),
    ("510106", "金牛区", "Jinniu District"),
    ("510107", "武侯区", "Wuhou District"),
    ("510108", "成华区", "Chenghua District"),
    ("510112", "龙泉驿区", "Longquanyi District"),
    ("510113", "青白江区", "Qingbaijiang District"),
    ("510114", "新都区", "Xindu District"),
    ("510115", "温江区", "Wenjiang District"),
    ("510116", "双流区", "Shuangliu District"),
    ("510117", "郫都区", "Pidu District"),
    ("510118", "新津区", "Xinjin District"),
    ("510121", "金堂县", "Jintang County"),
    ("510129", "大邑县", "Dayi County"),
    ("510131", "蒲江县", "Pujiang County"),
    ("510181", "都江堰市", "Dujiangyan City"),
    ("510182", "彭州市", "Pengzhou City"),
    ("510183", "邛崃市", "Qionglai City"),
    ("510184", "崇州市", "Chongzhou City"),
    ("510185", "简阳市", "Jianyang City"),
    ("510600", "德阳市", "Deyang"),
    ("511400", "眉山市", "Meishan"),
    ("512000", "资阳市", "Ziyang"),
    ("500000", "重庆市", "Chongqing"),
    ("500101", "万州区", "Wanzhou District"),
    ("500102", "涪陵区", "Fuling District"),
    ("500103", "渝中区", "Yuzhong District"),
    ("500104", "大渡口区", "Dadukou District"),
    ("500105", "江北区", "Jiangbei District"),
    ("500106", "沙坪坝区", "Shapingba District"),
    ("500107", "九龙坡区", "Jiulongpo District"),
    ("500108", "南岸区", "Nan'an District"),
    ("500109", "北碚区", "Beibei District"),
    ("500110", "綦江区", "Qijiang District"),
    ("500111", "大足区", "Dazu District"),
    ("500112", "渝北区", "Yubei District"),
    ("500113", "巴南区", "Banan District"),
    ("500114", "黔江区", "Qianjiang District"),
    ("500115", "长寿区", "Changshou District"),
    ("500116", "江津区", "Jiangjin District"),
    ("500117", "合川区", "Hechuan District"),
    ("500118", "永川区", "Yongchuan District"),
    ("500119", "南川区", "Nanchuan District"),
    ("500120", "璧山区", "Bishan District"),
    ("500151", "铜梁区", "Tongliang District"),
    ("500152", "潼南区", "Tongnan District"),
    ("500153", "荣昌区", "Rongchang District"),
    ("500154", "开州区", "Kaizhou District"),
    ("500155", "梁平区", "Liangping District"),
    ("500156", "武隆区", "Wulong District"),
    ("500229", "城口县", "Chengkou County"),
    ("500230", "丰都县", "Fengdu County"),
    ("500231", "垫江县", "Dianjiang County"),
    ("500233", "忠县", "Zhong County"),
    ("500235", "云阳县", "Yunyang County"),
    ("500236", "奉节县", "Fengjie County"),
    ("500237", "巫山县", "Wushan County"),
    ("500238", "巫溪县", "Wuxi County"),
    (
        "500240",
        "石柱土家族自治县",
        "Shizhu Tujia Autonomous County",
    ),
    (
        "500241",
        "秀山土家族苗族自治县",
        "Xiushan Tujia and Miao Autonomous County",
    ),
    (
        "500242",
        "酉阳土家族苗族自治县",
        "Youyang Tujia and Miao Autonomous County",
    ),
    (
        "500243",
        "彭水苗族土家族自治县",
        "Pengshui Miao and Tujia Autonomous County",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jurisdiction_holds_its_districts() {
        let wuhou = Region::parse("510107").unwrap();
        for prefix in ["51", "5101", "510107"] {
            assert!(wuhou.is_within(prefix), "{prefix}");
        }
        for prefix in ["", "5", "50", "510", "5106", "510104", "5101070"] {
            assert!(!wuhou.is_within(prefix), "{prefix}");
        }
        assert_eq!(wuhou.name("zh-CN"), Some("武侯区"));
        assert_eq!(wuhou.name("en"), Some("Wuhou District"));
        assert_eq!(
            (
                wuhou.name("fr"),
                Region::parse("110101").unwrap().name("zh")
            ),
            (None, None)
        );
        assert_eq!(
            (Region::parse("51010"), Region::parse("51010a")),
            (None, None)
        );
        assert!(
            NAMES
                .iter()
                .all(|(code, _, _)| Region::parse(code).is_some())
        );
    }
}
