//! What pages say, in each language, from one file a language.
//!
//! A text is found by its key; a test proves that every language has every key of English, so
//! that no page ever shows a key. Numbers and names are put in by `{}` in order.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The languages that pages speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Language {
    /// English.
    English,
    /// German.
    German,
    /// Chinese.
    Chinese,
}

type Texts = BTreeMap<String, String>;

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| read(include_str!("texts/en.toml")));
static GERMAN: LazyLock<Texts> = LazyLock::new(|| read(include_str!("texts/de.toml")));
static CHINESE: LazyLock<Texts> = LazyLock::new(|| read(include_str!("texts/zh.toml")));

fn read(file: &str) -> Texts {
    toml::from_str(file).unwrap_or_default()
}

impl Language {
    /// From a browser's `Accept-Language`, or a two-letter tag; English if it is none of ours.
    pub(crate) fn wanted(tags: &str) -> Self {
        for tag in tags.split(',') {
            match tag.trim().get(..2) {
                Some("de") => return Self::German,
                Some("zh") => return Self::Chinese,
                Some("en") => return Self::English,
                _ => {}
            }
        }
        Self::English
    }

    /// The tag for `lang=`.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Chinese => "zh",
        }
    }

    /// The text of a key; the key itself if there is none, which a test excludes.
    pub(crate) fn text(self, key: &'static str) -> &'static str {
        let texts: &'static Texts = match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
            Self::Chinese => &CHINESE,
        };
        texts.get(key).map_or(key, String::as_str)
    }

    /// The text of a key with its gaps filled in order.
    pub(crate) fn fill(self, key: &'static str, gaps: &[&dyn std::fmt::Display]) -> String {
        let mut parts = self.text(key).split("{}");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        let mut gaps = gaps.iter();
        for part in parts {
            if let Some(gap) = gaps.next() {
                filled.push_str(&gap.to_string());
            }
            filled.push_str(part);
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_text_with_the_same_gaps() {
        assert!(ENGLISH.len() > 60);
        for (name, other) in [("de", &*GERMAN), ("zh", &*CHINESE)] {
            for (key, text) in &*ENGLISH {
                let translated = other
                    .get(key)
                    .unwrap_or_else(|| panic!("{name} lacks {key}"));
                let gaps = |it: &str| it.matches("{}").count();
                assert_eq!(gaps(text), gaps(translated), "{name} {key}");
            }
            assert_eq!(
                ENGLISH.len(),
                other.len(),
                "{name} has texts that English lacks"
            );
        }
    }

    #[test]
    fn a_browser_gets_the_first_language_that_we_speak() {
        assert_eq!(Language::wanted("fr-FR, de-AT;q=0.8"), Language::German);
        assert_eq!(Language::wanted("zh-CN"), Language::Chinese);
        assert_eq!(Language::wanted("é"), Language::English);
        assert_eq!(
            Language::English.fill("hub_behind", &[&3, &"12:00"]),
            "Selling works. 3 changes wait for the hub, the oldest since 12:00."
        );
    }
}
