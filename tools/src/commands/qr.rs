//! `suyuan qr`: the code for a label, a file or a terminal.

use crate::exit::{Code as Exit, Failure};
use crate::output::Console;
use crate::qr::Code;
use clap::{Args as ClapArgs, ValueEnum};
use ledger::identifier::{Identifier, scan};
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

/// Draw the QR code of a lot or item.
///
/// The code holds a GS1 Digital Link under --public-url, with error correction M and a quiet zone
/// of four modules; the human-readable text stands below. Print it at 0.396 to 0.99 mm a module,
/// black on white, on a flat spot.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan qr '(01)06909813001010(10)WT-5326' --public-url https://trace.example.cn
  suyuan qr 83901174207713350035 --public-url https://trace.example.cn --format svg --out box.svg
  suyuan qr https://id.gs1.org/01/06909813001010/10/WT-5326 --public-url https://trace.example.cn \\
      --format png --out lot.png")]
pub(crate) struct Args {
    /// The code in any spelling that a scanner may read.
    code: String,
    /// The address that the code leads to: https://host[/path].
    #[arg(long)]
    public_url: String,
    /// How to draw it.
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// Where to write it; standard output without it.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Pixels a module, of a PNG.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    scale: u8,
    /// Millimetres a module, of an SVG.
    #[arg(long, default_value_t = 0.5, value_parser = module_mm)]
    module_mm: f64,
}

/// A form of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Half blocks.
    Terminal,
    /// A vector, for print.
    Svg,
    /// Pixels.
    Png,
}

fn module_mm(text: &str) -> Result<f64, String> {
    let good = |size: &f64| (0.1..=20.0).contains(size);
    text.parse()
        .ok()
        .filter(good)
        .ok_or_else(|| "between 0.1 and 20 mm".to_owned())
}

/// The link that a code of `item` holds.
pub(crate) fn link(public_url: &str, item: &Identifier) -> String {
    format!(
        "{}{}",
        public_url.trim_end_matches('/'),
        item.digital_link_path()
    )
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let item = scan(&args.code).map_err(Failure::malformed)?.identifier;
    if !["https://", "http://"]
        .iter()
        .any(|scheme| args.public_url.starts_with(scheme))
    {
        return Err(Failure::usage(format!(
            "--public-url {}: not https://",
            args.public_url
        )));
    }
    let (link, caption) = (link(&args.public_url, &item), item.human_readable());
    let code = Code::new(&link, &caption)
        .ok_or_else(|| Failure::malformed("the link is too long for a QR code"))?;
    let bytes = match args.format {
        Format::Terminal => {
            let colours = args.out.is_none() && std::io::stdout().is_terminal();
            code.terminal(colours).into_bytes()
        }
        Format::Svg => code.svg(args.module_mm).into_bytes(),
        Format::Png => code
            .png(usize::from(args.scale))
            .map_err(|error| Failure::new(Exit::Store, error))?,
    };
    match &args.out {
        Some(path) => {
            std::fs::write(path, &bytes).map_err(|error| Failure::file(path, &error))?;
        }
        None if console.json => {}
        None => std::io::stdout().lock().write_all(&bytes)?,
    }
    if console.json {
        return console.value(&serde_json::json!({
            "item": item.to_string(),
            "link": link,
            "text": caption,
            "out": args.out,
        }));
    }
    Ok(())
}
