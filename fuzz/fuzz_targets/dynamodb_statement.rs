#![no_main]

use libfuzzer_sys::fuzz_target;
use service_dynamodb::number::Number;
use service_dynamodb::parse_statement;
use service_dynamodb::value::Value;

fuzz_target!(|text: &str| {
    for parameters in [&[][..], &[Value::N(Number::from_u64(7))], &[Value::S("x".to_owned()), Value::Null]] {
        let first = parse_statement(text, parameters);
        assert_eq!(first, parse_statement(text, parameters));
    }
});
