//! Types that files hold as the text that people type.

/// Reads a type from a file by its [`FromStr`](std::str::FromStr) and writes it by its
/// [`Display`](std::fmt::Display). It says `#[serde(try_from = "String", into = "String")]` itself.
macro_rules! held_as_text {
    ($held:ty) => {
        impl TryFrom<String> for $held {
            type Error = <Self as std::str::FromStr>::Err;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$held> for String {
            fn from(held: $held) -> Self {
                held.to_string()
            }
        }
    };
}

pub(crate) use held_as_text;
