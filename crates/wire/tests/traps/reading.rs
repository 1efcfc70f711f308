//! Requests.

use http::{HeaderMap, HeaderValue};

use super::*;

static QUERIED: Shape = shape("Queried", Kind::Structure { members: &QUERIED_MEMBERS });
static QUERIED_MEMBERS: [Member; 4] = [
    Member::new("Names", &TEXTS),
    Member::new("Keys", &FLAT_TEXTS),
    Member { renamed: Some("renamed"), ..Member::new("Tags", &TEXT_MAP) },
    Member::new("Name", &TEXT),
];

#[test]
fn list_indexes_are_numbers_in_any_order_and_a_gap_ends_the_list() {
    let form = "Names.member.10=j&Names.member.2=b&Names.member.1=a&Names.member.3=c&Names.member.4=d&\
                Names.member.5=e&Names.member.6=f&Names.member.7=g&Names.member.8=h&Names.member.9=i&\
                Names.member.12=lost&Keys.1=x&Keys.2=y&Keys.4=lost";
    let input = read_body(Protocol::Query, &QUERIED, form);
    assert_eq!(told(input.get("Names")), "[a b c d e f g h i j]");
    assert_eq!(told(input.get("Keys")), "[x y]");
}

#[test]
fn maps_are_entries_of_keys_and_values_under_the_name_that_the_model_gives() {
    let form = "renamed.entry.1.key=a&renamed.entry.1.value=1&renamed.entry.2.value=2&renamed.entry.2.key=b";
    assert_eq!(told(read_body(Protocol::Query, &QUERIED, form).get("Tags")), "{a=1 b=2}");
}

#[test]
fn a_list_without_a_value_is_an_empty_list() {
    assert_eq!(told(read_body(Protocol::Query, &QUERIED, "Names=").get("Names")), "[]");
    assert_eq!(told(read_body(Protocol::Query, &QUERIED, "").get("Names")), "absent");
}

#[test]
fn ec2_names_begin_with_a_capital_and_its_lists_are_flat() {
    static INPUT: Shape = shape("DescribeInput", Kind::Structure { members: &MEMBERS });
    static MEMBERS: [Member; 3] = [
        Member { renamed: Some("vpcId"), query_name: Some("VpcId"), ..Member::new("VpcIds", &TEXTS) },
        Member { renamed: Some("dryRun"), ..Member::new("DryRun", &TEXT) },
        Member::new("MaxResults", &NUMBER),
    ];
    let input = read_body(Protocol::Ec2, &INPUT, "VpcId.1=vpc-1&VpcId.2=vpc-2&DryRun=yes&MaxResults=5");
    let values = ["VpcIds", "DryRun", "MaxResults"].map(|name| told(input.get(name)));
    assert_eq!(values, ["[vpc-1 vpc-2]", "yes", "5"]);
}

static HEADED: Shape = shape("Headed", Kind::Structure { members: &HEADED_MEMBERS });
static HEADED_MEMBERS: [Member; 3] = [
    bound("Attributes", &TEXTS, Location::Header, "x-amz-object-attributes"),
    bound("Metadata", &TEXT_MAP, Location::Headers, "X-Amz-Meta-"),
    bound("Context", &JSON, Location::Header, "X-Amz-Context"),
];

fn headers(entries: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in entries {
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        headers.append(name, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn a_header_list_is_split_at_commas_or_repeated_and_a_quoted_comma_stays() {
    for entries in [
        &[("x-amz-object-attributes", "ETag,Checksum, ObjectSize")][..],
        &[("x-amz-object-attributes", "ETag"), ("X-Amz-Object-Attributes", "Checksum,ObjectSize")],
    ] {
        let input = read(Protocol::RestXml, &HEADED, "", &headers(entries), "").expect("valid headers");
        assert_eq!(told(input.get("Attributes")), "[ETag Checksum ObjectSize]");
    }
    let quoted = headers(&[("x-amz-object-attributes", r#""a, b", c"#)]);
    let input = read(Protocol::RestXml, &HEADED, "", &quoted, "").expect("valid headers");
    assert_eq!(told(input.get("Attributes")), "[a, b c]");
}

#[test]
fn headers_with_a_prefix_are_a_map_whatever_their_case() {
    let entries = headers(&[("x-amz-meta-one", "1"), ("X-AMZ-META-Two", "2"), ("x-amz-other", "3")]);
    let input = read(Protocol::RestXml, &HEADED, "", &entries, "").expect("valid headers");
    assert_eq!(told(input.get("Metadata")), "{one=1 two=2}");
}

#[test]
fn json_in_a_header_is_base64() {
    let entries = headers(&[("X-Amz-Context", "eyJhIjoxfQ==")]);
    let input = read(Protocol::RestJson, &HEADED, "", &entries, "").expect("valid headers");
    assert_eq!(told(input.get("Context")), r#"{"a":1}"#);
}

#[test]
fn a_body_that_nothing_is_bound_to_is_ignored() {
    let entries = headers(&[("x-amz-meta-one", "1")]);
    let input = read(Protocol::RestXml, &HEADED, "", &entries, "neither XML nor wanted").expect("the body is ignored");
    assert_eq!(told(input.get("Metadata")), "{one=1}");
}

#[test]
fn a_payload_of_no_bytes_is_absent() {
    static INPUT: Shape = shape("InvokeInput", Kind::Structure { members: &MEMBERS });
    static MEMBERS: [Member; 1] = [bound("Payload", &BYTES, Location::Payload, "Payload")];
    assert!(read_body(Protocol::RestJson, &INPUT, "").get("Payload").is_none());
    assert!(read_body(Protocol::RestJson, &INPUT, "{}").get("Payload").is_some());
}

static TIMED: Shape = shape("Timed", Kind::Structure { members: &TIMED_MEMBERS });
static TIMED_MEMBERS: [Member; 1] = [Member::new("At", &TIME)];

#[test]
fn times_are_read_in_the_spelling_of_each_protocol() {
    let spellings: [(Protocol, &[u8]); 7] = [
        (Protocol::Json, br#"{"At":1422172800.5}"#),
        (Protocol::Query, b"At=2015-01-25T08%3A00%3A00.500Z"),
        (Protocol::Ec2, b"At=2015-01-25T08%3A00%3A00.500Z"),
        (Protocol::RestXml, b"<Timed><At>2015-01-25T08:00:00.500Z</At></Timed>"),
        // Tag 1 over a double; a bare double; whole milliseconds of the older protocol.
        (Protocol::Cbor, &[0xa1, 0x62, b'A', b't', 0xc1, 0xfb, 0x41, 0xd5, 0x31, 0x28, 0xa0, 0x20, 0, 0]),
        (Protocol::Cbor, &[0xa1, 0x62, b'A', b't', 0xfb, 0x41, 0xd5, 0x31, 0x28, 0xa0, 0x20, 0, 0]),
        (Protocol::CborTarget, &[0xa1, 0x62, b'A', b't', 0x1b, 0, 0, 0x01, 0x4b, 0x20, 0x1a, 0xc5, 0xf4]),
    ];
    for (protocol, document) in spellings {
        let input = read_body(protocol, &TIMED, document.to_vec());
        assert_eq!(told(input.get("At")), "1422172800.5", "{protocol:?}");
    }
}

static PACKED: Shape = shape("Packed", Kind::Structure { members: &PACKED_MEMBERS });
static PACKED_MEMBERS: [Member; 4] =
    [Member::new("Values", &TEXTS), Member::new("Name", &TEXT), Member::new("Real", &REAL), Member::new("At", &TIME)];

#[test]
fn cbor_maps_lists_and_texts_may_have_no_length() {
    // {_ "Values": [_ "a", "b"], "Name": (_ "x", "y")}
    let document = b"\xbf\x66Values\x9f\x61a\x61b\xff\x64Name\x7f\x61x\x61y\xff\xff";
    let input = read_body(Protocol::Cbor, &PACKED, document.to_vec());
    assert_eq!((told(input.get("Values")), told(input.get("Name"))), ("[a b]".to_owned(), "xy".to_owned()));
}

#[test]
fn cbor_floats_may_be_half_or_whole() {
    for (bytes, expected) in
        [(&b"\xf9\x3e\x00"[..], "1.5"), (b"\xfa\x3f\xc0\0\0", "1.5"), (b"\x07", "7"), (b"\x26", "-7")]
    {
        let document = [b"\xa1\x64Real", bytes].concat();
        assert_eq!(told(read_body(Protocol::Cbor, &PACKED, document).get("Real")), expected);
    }
}

#[test]
fn cbor_times_need_no_tag() {
    let document = b"\xa1\x62At\x1a\x54\xc4\xa2\x80".to_vec();
    assert_eq!(told(read_body(Protocol::Cbor, &PACKED, document).get("At")), "1422172800");
}

#[test]
fn the_type_that_a_union_names_is_no_member() {
    static CHOICE: Shape = shape("Choice", Kind::Union { members: &CHOICES });
    static CHOICES: [Member; 2] = [Member::new("S", &TEXT), Member::new("N", &TEXT)];
    static INPUT: Shape = shape("Input", Kind::Structure { members: &MEMBERS });
    static MEMBERS: [Member; 1] = [Member::new("Value", &CHOICE)];
    let input = read_body(Protocol::Json, &INPUT, r#"{"Value":{"__type":"Choice","S":"a","N":null}}"#);
    let Some(Value::Structure(choice)) = input.get("Value") else { panic!("no union: {input:?}") };
    let members: Vec<_> = choice.members().map(|(member, value)| (member.name, told(Some(value)))).collect();
    assert_eq!(members, [("S", "a".to_owned())]);
}

#[test]
fn two_members_of_one_element_are_both_read() {
    static INPUT: Shape = shape("TopicConfiguration", Kind::Structure { members: &MEMBERS });
    static MEMBERS: [Member; 2] =
        [Member { renamed: Some("Event"), ..Member::new("Events", &FLAT_TEXTS) }, Member::new("Event", &TEXT)];
    let document = "<TopicConfiguration><Event>a</Event><Event>b</Event></TopicConfiguration>";
    let input = read_body(Protocol::RestXml, &INPUT, document);
    assert_eq!((told(input.get("Events")), told(input.get("Event"))), ("[a b]".to_owned(), "a".to_owned()));
}

#[test]
fn an_attribute_keeps_its_prefix() {
    let document =
        r#"<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>u</URI></Grantee>"#;
    let input = read_body(Protocol::RestXml, &super::answering::GRANTEE, document);
    assert_eq!((told(input.get("Type")), told(input.get("URI"))), ("Group".to_owned(), "u".to_owned()));
}
