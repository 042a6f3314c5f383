//! What a net was taught to read, as the command line says it: channel order, mean and scale.

use std::str::FromStr;

use anyhow::{Context, Error, Result, bail, ensure};
use models::manifest::{ChannelOrder, InputSpec};

/// The order of channels and their scale.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Colours {
    /// The order of the channels that the net reads.
    #[arg(long, value_enum)]
    pub order: Order,
    /// What each value was multiplied by after the mean was subtracted: one number, or three in that
    /// order; 1/255 may be written so.
    #[arg(long)]
    pub scale: Triple,
}

impl Colours {
    /// `(byte − mean) · scale`.
    pub fn input(&self, mean: Triple) -> InputSpec {
        let order = match self.order {
            Order::Rgb => ChannelOrder::Rgb,
            Order::Bgr => ChannelOrder::Bgr,
        };
        InputSpec { order, mean: mean.0, scale: self.scale.0 }
    }
}

/// The order of a tensor's colour channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    /// Red first, as Keras and PIL read pictures.
    Rgb,
    /// Blue first, as Caffe and OpenCV do.
    Bgr,
}

/// One number a channel, each finite; written as `A`, `A,B,C`, and each perhaps as `A/B`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Triple(pub [f32; 3]);

impl FromStr for Triple {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers = text.split(',').map(number).collect::<Result<Vec<f32>>>()?;
        match *numbers {
            [one] => Ok(Self([one; 3])),
            [a, b, c] => Ok(Self([a, b, c])),
            _ => bail!("{} numbers, expected one or three", numbers.len()),
        }
    }
}

fn number(text: &str) -> Result<f32> {
    let parse = |text: &str| {
        let number = text.trim().parse::<f32>();
        number.with_context(|| format!("{text:?} is no number"))
    };
    let number = match text.split_once('/') {
        Some((above, below)) => parse(above)? / parse(below)?,
        None => parse(text)?,
    };
    ensure!(number.is_finite(), "{text:?} is not finite");
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: [f32; 3]) {
        assert_eq!(text.parse::<Triple>().unwrap(), Triple(expected));
    }

    #[test]
    fn one_number_serves_all_channels_and_fractions_may_be_written() {
        check("1", [1.0; 3]);
        check("1/255", [1.0 / 255.0; 3]);
        check("103.939,116.779, 123.68", [103.939, 116.779, 123.68]);
        for bad in ["", "1,2", "a", "1/0", "inf", "1,2,3,4", "1/2/3"] {
            assert!(bad.parse::<Triple>().is_err(), "{bad:?}");
        }
    }
}
