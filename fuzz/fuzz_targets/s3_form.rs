//! A form upload, in two pieces: read or refused, and its file is never longer than the form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::form_upload::{FormDecoder, Policy};

fuzz_target!(|form: &[u8]| {
    let mut decoder = FormDecoder::new("multipart/form-data; boundary=x").expect("the boundary is sound");
    let (first, second) = form.split_at(form.len() / 2);
    let (mut has_head, mut file) = (false, 0);
    for piece in [first, second] {
        decoder.feed(piece);
        if !has_head {
            match decoder.head() {
                Ok(head) => has_head = head.is_some(),
                Err(_) => return,
            }
        }
        while let Some(bytes) = decoder.file() {
            file += bytes.len();
        }
    }
    assert!(file <= form.len());
    if let Ok(text) = std::str::from_utf8(form) {
        let _ = Policy::parse(text);
    }
});
