//! In which language a page speaks, and how its links carry that on.

use super::texts::Language;

/// The language of a page, and whether its address asked for it (then its links say it on).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Speech {
    /// The language.
    pub(crate) language: Language,
    /// Whether `?lang=` asked for it.
    pub(crate) is_asked: bool,
}

impl Speech {
    /// A link to one of our pages, with the language where it was asked for.
    pub(crate) fn link(self, path: &str) -> String {
        if !self.is_asked {
            return path.to_owned();
        }
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}lang={}", self.language.tag())
    }

    /// The text of a key.
    pub(crate) fn text(self, key: &'static str) -> &'static str {
        self.language.text(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_carry_an_asked_language_on() {
        let asked = |is_asked| Speech {
            language: Language::German,
            is_asked,
        };
        assert_eq!(asked(false).link("/count"), "/count");
        assert_eq!(asked(true).link("/count"), "/count?lang=de");
        assert_eq!(asked(true).link("/count?area=a"), "/count?area=a&lang=de");
    }
}
