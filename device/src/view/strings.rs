//! Every word on the screen, in one place.
//!
//! `{n}` stands for a number that is filled in. Where a line may be short of room, there
//! are several texts, longest first.

/// The words of one language.
#[derive(Debug)]
pub(super) struct Strings {
    pub(super) apparent_age: &'static [&'static str],
    pub(super) years: &'static str,
    pub(super) face: &'static [&'static str],
    pub(super) looking: &'static str,
    pub(super) predicted_gender: &'static [&'static str],
    pub(super) woman: &'static str,
    pub(super) man: &'static str,
    pub(super) unsure: &'static str,
    pub(super) woman_share: &'static str,
    pub(super) man_share: &'static str,
    pub(super) more: &'static [&'static str],
    pub(super) caption: &'static [&'static str],
    pub(super) caption_more: &'static [&'static str],
    pub(super) live: Occasion,
    pub(super) files: Occasion,
}

/// The words that depend on where the pictures come from.
#[derive(Debug)]
pub(super) struct Occasion {
    /// Said big when nobody is there.
    pub(super) nobody: &'static str,
    /// What one may expect.
    pub(super) invitation: &'static str,
    /// What becomes of the pictures, in more than a line.
    pub(super) privacy: &'static str,
    /// The same in the footer.
    pub(super) footer: &'static [&'static str],
}

impl Strings {
    pub(super) const ENGLISH: Self = Self {
        apparent_age: &["Apparent age", "Age guess"],
        years: "years",
        face: &["face {n}", "{n}"],
        looking: "Taking a look …",
        predicted_gender: &["Predicted gender", "Gender guess"],
        woman: "woman",
        man: "man",
        unsure: "unsure",
        woman_share: "{n} % woman",
        man_share: "{n} % man",
        more: &["and {n} more faces", "{n} more"],
        caption: &["A guess from looks, not your real age.", "A guess, not your real age."],
        caption_more: &["It can be wrong for anyone.", "It can be wrong."],
        live: Occasion {
            nobody: "Step into the picture",
            invitation: "A small neural network guesses how old you look, and shows how sure it is.",
            privacy: "Your picture stays on this device and is forgotten at once.",
            footer: &[
                "Pictures stay on this device and are never stored.",
                "Pictures stay here and are never stored.",
                "Nothing is stored.",
            ],
        },
        files: Occasion {
            nobody: "No face found",
            invitation: "The detector is sure of no face in this picture.",
            privacy: "Everything is computed on this device. Nothing is sent anywhere.",
            footer: &[
                "Made from picture files on this device. Nothing is sent.",
                "Made from files, on this device only.",
                "Made from files.",
            ],
        },
    };

    /// Every letter of every word.
    #[cfg(test)]
    pub(super) fn letters(&self) -> impl Iterator<Item = char> + '_ {
        let one = [self.years, self.looking, self.woman, self.man, self.unsure];
        let shares = [self.woman_share, self.man_share];
        let many = [self.apparent_age, self.face, self.predicted_gender, self.more];
        let captions = [self.caption, self.caption_more];
        let said = [&self.live, &self.files];
        let alone = said.into_iter().flat_map(|o| [o.nobody, o.invitation, o.privacy]);
        let footers = said.into_iter().flat_map(|o| o.footer).copied();
        let lists = many.into_iter().chain(captions).flatten().copied();
        one.into_iter().chain(shares).chain(alone).chain(footers).chain(lists).flat_map(str::chars)
    }
}

/// Each of `texts` with `values` in place of their names.
pub(super) fn fill(texts: &[&str], values: &[(&str, String)]) -> Vec<String> {
    let filled = |text: &&str| {
        values.iter().fold((*text).to_owned(), |text, (name, value)| text.replace(name, value))
    };
    texts.iter().map(filled).collect()
}
