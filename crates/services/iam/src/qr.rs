//! QR codes as PNG pictures: what an authenticator application scans.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use qrcodegen::{QrCode, QrCodeEcc};
use std::io::Write;

/// Pixels of a module's side.
const SCALE: usize = 4;

/// Modules of the white border. ISO/IEC 18004: four.
const BORDER: usize = 4;

/// First bytes of every PNG.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The text as a picture; `None` if it is too long for a QR code.
pub fn png(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let modules = usize::try_from(code.size()).ok()? + 2 * BORDER;
    let side = u32::try_from(modules * SCALE).ok()?;
    let mut rows = Vec::new();
    for y in 0..modules * SCALE {
        // Each row begins with its filter: none. One bit per pixel, white is 1.
        rows.push(0);
        let mut row = vec![0_u8; (modules * SCALE).div_ceil(8)];
        for x in 0..modules * SCALE {
            let module = |pixel: usize| (pixel / SCALE) as i32 - BORDER as i32;
            if !code.get_module(module(x), module(y)) {
                row[x / 8] |= 0x80 >> (x % 8);
            }
        }
        rows.extend(row);
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&rows).ok()?;
    let mut header = Vec::new();
    header.extend(side.to_be_bytes());
    header.extend(side.to_be_bytes());
    // One bit of grey per pixel, deflate, the usual filters, not interlaced.
    header.extend([1, 0, 0, 0, 0]);
    let mut picture = SIGNATURE.to_vec();
    chunk(&mut picture, b"IHDR", &header)?;
    chunk(&mut picture, b"IDAT", &encoder.finish().ok()?)?;
    chunk(&mut picture, b"IEND", &[])?;
    Some(picture)
}

fn chunk(picture: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) -> Option<()> {
    picture.extend(u32::try_from(content.len()).ok()?.to_be_bytes());
    let start = picture.len();
    picture.extend(kind);
    picture.extend(content);
    let mut crc = flate2::Crc::new();
    crc.update(&picture[start..]);
    picture.extend(crc.sum().to_be_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;

    use super::*;

    #[test]
    fn a_picture_has_the_code_within_its_border() {
        let picture = png("otpauth://totp/user").expect("short enough");
        assert!(picture.starts_with(SIGNATURE) && picture.ends_with(b"IEND\xaeB`\x82"));
        let side = u32::from_be_bytes(picture[16..20].try_into().expect("four bytes")) as usize;
        let length = u32::from_be_bytes(picture[33..37].try_into().expect("four bytes")) as usize;
        let mut rows = Vec::new();
        ZlibDecoder::new(&picture[41..41 + length]).read_to_end(&mut rows).expect("inflates");
        let stride = 1 + side.div_ceil(8);
        assert_eq!(rows.len(), side * stride);
        let dark = |x: usize, y: usize| rows[y * stride + 1 + x / 8] & (0x80 >> (x % 8)) == 0;
        assert!(!dark(0, 0), "the border is white");
        assert!(dark(BORDER * SCALE, BORDER * SCALE), "the corner of the first finder is dark");
    }

    #[test]
    fn too_long_a_text_has_no_code() {
        assert!(png(&"x".repeat(10_000)).is_none());
    }
}
