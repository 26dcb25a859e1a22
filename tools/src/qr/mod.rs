//! QR codes with the text that stands under them: for print, for files, for terminals.
//!
//! Error correction M and a quiet zone of four modules, as GS1 asks for retail codes (GS1 General
//! Specifications §5.9); the human-readable text is that of the identifier.

mod font;

use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// Modules of white around a code.
const QUIET_ZONE: usize = 4;

/// A code ready to be drawn: dark modules, quiet zone included.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    width: usize,
    dark: Vec<bool>,
    caption: String,
}

impl Code {
    /// Encodes `content`; `caption` is printed below. `None`: more than a code can hold.
    pub(crate) fn new(content: &str, caption: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(content, EcLevel::M).ok()?;
        let inner = code.width();
        let width = inner + 2 * QUIET_ZONE;
        let mut dark = vec![false; width * width];
        for (at, color) in code.to_colors().into_iter().enumerate() {
            let (x, y) = (at % inner + QUIET_ZONE, at / inner + QUIET_ZONE);
            dark[y * width + x] = color == Color::Dark;
        }
        Some(Self {
            width,
            dark,
            caption: caption.to_owned(),
        })
    }

    fn is_dark(&self, x: usize, y: usize) -> bool {
        self.dark.get(y * self.width + x).copied().unwrap_or(false)
    }

    /// An SVG of `module_mm` millimetres a module: scales without loss, and any printer keeps it
    /// black on white.
    pub(crate) fn svg(&self, module_mm: f64) -> String {
        let width = self.width;
        let height = width + 4;
        let mut path = String::new();
        for y in 0..width {
            for x in (0..width).filter(|x| self.is_dark(*x, y)) {
                // Writing to a string cannot fail.
                let _infallible = write!(path, "M{x} {y}h1v1h-1z");
            }
        }
        // Letters are 0.6 em wide on average: shrink a long caption to the code's width.
        let letters = self.caption.chars().count().max(1);
        let shown = u32::try_from(letters).unwrap_or(u32::MAX);
        let across = u32::try_from(width).unwrap_or(u32::MAX);
        let size = (f64::from(across) / (0.62 * f64::from(shown))).min(2.4);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{:.2}mm\" height=\"{:.2}mm\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
             <path shape-rendering=\"crispEdges\" d=\"{path}\"/>\n\
             <text x=\"{}\" y=\"{}\" font-family=\"monospace\" font-size=\"{size:.3}\" \
             text-anchor=\"middle\">{}</text>\n</svg>\n",
            module_mm * f64::from(across),
            module_mm * f64::from(across + 4),
            f64::from(across) / 2.0,
            across + 1,
            escaped(&self.caption),
        )
    }

    /// A greyscale picture, `scale` pixels a module: its width, its height, its pixels by rows.
    pub(crate) fn pixels(&self, scale: usize) -> (usize, usize, Vec<u8>) {
        let width = self.width * scale;
        let lines = font::wrap(&self.caption, width);
        let height = width + lines.len() * font::LINE_HEIGHT * font::SCALE + scale;
        let mut pixels = vec![255; width * height];
        for y in 0..width {
            for x in 0..width {
                if self.is_dark(x / scale, y / scale) {
                    pixels[y * width + x] = 0;
                }
            }
        }
        for (number, line) in lines.iter().enumerate() {
            let top = width + number * font::LINE_HEIGHT * font::SCALE;
            let left = width.saturating_sub(font::width(line)) / 2;
            for (x, y) in font::dots(line) {
                if let Some(pixel) = pixels.get_mut((top + y) * width + left + x) {
                    *pixel = 0;
                }
            }
        }
        (width, height, pixels)
    }

    /// A PNG, `scale` pixels a module.
    ///
    /// # Errors
    /// As the encoder: none in memory, for a picture of a code's size.
    pub(crate) fn png(&self, scale: usize) -> Result<Vec<u8>, png::EncodingError> {
        let (width, height, pixels) = self.pixels(scale);
        let mut bytes = Vec::new();
        let across = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(&mut bytes, across(width), across(height));
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        writer.finish()?;
        Ok(bytes)
    }

    /// Two modules a character, black on white whatever the terminal's colours: scanners expect
    /// dark on light. Without colours, blocks stand for white.
    pub(crate) fn terminal(&self, colours: bool) -> String {
        let (begin, end) = if colours {
            ("\u{1b}[30;107m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        let mut text = String::new();
        for y in (0..self.width).step_by(2) {
            text.push_str(begin);
            for x in 0..self.width {
                let upper = self.is_dark(x, y);
                let lower = self.is_dark(x, y + 1);
                // Uncoloured terminals are mostly dark: there the blocks are the light modules.
                let (upper, lower) = if colours {
                    (upper, lower)
                } else {
                    (!upper, !lower)
                };
                text.push(match (upper, lower) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            text.push_str(end);
            text.push('\n');
        }
        text.push_str(&self.caption);
        text.push('\n');
        text
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://trace.example/01/06909813001010/10/WT-5326";
    const CAPTION: &str = "(01)06909813001010(10)WT-5326";

    fn read(width: usize, height: usize, pixel: impl FnMut(usize, usize) -> u8) -> String {
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, pixel);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1, "one code is found");
        let (meta, content) = grids[0].decode().unwrap();
        // Level M is 0 in the code's own numbering (ISO/IEC 18004 §8.9).
        assert_eq!(meta.ecc_level, 0);
        content
    }

    #[test]
    fn an_independent_reader_reads_the_png() {
        let code = Code::new(LINK, CAPTION).unwrap();
        let bytes = code.png(6).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let width = usize::try_from(info.width).unwrap();
        let height = usize::try_from(info.height).unwrap();
        assert_eq!(read(width, height, |x, y| pixels[y * width + x]), LINK);
    }

    #[test]
    fn an_independent_reader_reads_the_terminal() {
        let text = Code::new(LINK, CAPTION).unwrap().terminal(true);
        let rows: Vec<Vec<char>> = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("\u{1b}[30;107m")?
                    .strip_suffix("\u{1b}[0m")
            })
            .map(|line| line.chars().collect())
            .collect();
        let width = rows[0].len();
        let dark = |x: usize, y: usize| match rows[y / 2][x] {
            '█' => true,
            '▀' => y.is_multiple_of(2),
            '▄' => !y.is_multiple_of(2),
            _ => false,
        };
        let pixel = |x: usize, y: usize| if dark(x / 4, y / 4) { 0 } else { 255 };
        assert_eq!(read(4 * width, 8 * rows.len(), pixel), LINK);
        assert!(text.ends_with(&format!("{CAPTION}\n")));
    }

    #[test]
    fn the_quiet_zone_is_four_modules_and_the_text_stands_below() {
        let code = Code::new(LINK, CAPTION).unwrap();
        for at in 0..code.width {
            for edge in (0..QUIET_ZONE).chain(code.width - QUIET_ZONE..code.width) {
                assert!(!code.is_dark(at, edge) && !code.is_dark(edge, at));
            }
        }
        assert!(code.is_dark(QUIET_ZONE, QUIET_ZONE));
        let svg = code.svg(0.5);
        assert!(svg.contains(CAPTION) && svg.contains("mm\""));
        let (width, height, pixels) = code.pixels(4);
        assert!(
            pixels[width * width..width * height].contains(&0),
            "text is drawn"
        );
    }

    #[test]
    fn what_no_code_can_hold_is_refused() {
        assert!(Code::new(&"9".repeat(8000), "").is_none());
    }
}
