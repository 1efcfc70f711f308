//! Documented behaviour, each line a pattern with events that match and events that do not. Sources, by section:
//! the EventBridge user guide ("Comparison operators for use in event patterns", "Creating event patterns", "Best
//! practices"), the SNS developer guide ("Filter policy constraints", "String value matching", "Numeric value matching",
//! "Payload-based filtering", "AND/OR logic"), the Lambda developer guide ("Event filtering"), and the README of
//! Event Ruler.

use serde_json::Value;

use super::*;

type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

/// EventBridge: exact values, arrays, null and empty texts.
const EXACT: &[Case] = &[
    (
        r#"{"source":["aws.ec2"]}"#,
        &[r#"{"source":"aws.ec2"}"#, r#"{"source":"aws.ec2","detail":{}}"#, r#"{"source":["aws.s3","aws.ec2"]}"#],
        &[
            r#"{"source":"aws.s3"}"#,
            r#"{"source":"AWS.EC2"}"#,
            r#"{"source":"aws.ec2 "}"#,
            r#"{"Source":"aws.ec2"}"#,
            "{}",
            r#"{"source":null}"#,
            r#"{"source":{"a":"aws.ec2"}}"#,
        ],
    ),
    (
        r#"{"source":["aws.ec2","aws.fargate"]}"#,
        &[r#"{"source":"aws.ec2"}"#, r#"{"source":"aws.fargate"}"#],
        &[r#"{"source":"aws.ecs"}"#, r#"{"source":"aws.ec2,aws.fargate"}"#],
    ),
    (
        r#"{"source":["aws.ec2"],"detail":{"state":["terminated"]}}"#,
        &[r#"{"source":"aws.ec2","detail":{"state":"terminated","instance-id":"i-1"}}"#],
        &[
            r#"{"source":"aws.ec2","detail":{"state":"running"}}"#,
            r#"{"source":"aws.s3","detail":{"state":"terminated"}}"#,
            r#"{"source":"aws.ec2","state":"terminated"}"#,
            r#"{"source":"aws.ec2","detail":"terminated"}"#,
            r#"{"source":"aws.ec2"}"#,
        ],
    ),
    (
        r#"{"detail":{"eventVersion":[""]}}"#,
        &[r#"{"detail":{"eventVersion":""}}"#],
        &[r#"{"detail":{"eventVersion":" "}}"#, r#"{"detail":{"eventVersion":null}}"#, r#"{"detail":{}}"#],
    ),
    (
        r#"{"detail":{"responseElements":[null]}}"#,
        &[r#"{"detail":{"responseElements":null}}"#, r#"{"detail":{"responseElements":[1,null]}}"#],
        &[
            r#"{"detail":{"responseElements":""}}"#,
            r#"{"detail":{"responseElements":"null"}}"#,
            r#"{"detail":{}}"#,
            r#"{"detail":{"responseElements":false}}"#,
        ],
    ),
    (
        r#"{"resources":["arn:aws:a","arn:aws:b"]}"#,
        &[
            r#"{"resources":["arn:aws:x","arn:aws:b"]}"#,
            r#"{"resources":["arn:aws:a","arn:aws:b"]}"#,
            r#"{"resources":"arn:aws:a"}"#,
        ],
        &[r#"{"resources":[]}"#, r#"{"resources":["arn:aws:c"]}"#, r#"{"resources":[["arn"]]}"#],
    ),
    (
        r#"{"flag":[true]}"#,
        &[r#"{"flag":true}"#, r#"{"flag":[false,true]}"#],
        &[r#"{"flag":false}"#, r#"{"flag":"true"}"#, r#"{"flag":1}"#],
    ),
    (
        r#"{"count":[300]}"#,
        &[r#"{"count":300}"#, r#"{"count":300.0}"#, r#"{"count":3.0e2}"#, r#"{"count":[1,300]}"#],
        &[r#"{"count":301}"#, r#"{"count":"300"}"#, r#"{"count":300.1}"#, r#"{"count":-300}"#],
    ),
    (
        r#"{"account":[123456789012]}"#,
        &[r#"{"account":123456789012}"#],
        &[r#"{"account":123456789013}"#, r#"{"account":"123456789012"}"#],
    ),
    (
        r#"{"id":[9007199254740993]}"#,
        &[r#"{"id":9007199254740993}"#],
        &[r#"{"id":9007199254740992}"#, r#"{"id":9007199254740994}"#],
    ),
    (
        r#"{"a":{"b":{"c":["d"]}}}"#,
        &[r#"{"a":{"b":{"c":"d","x":1}}}"#, r#"{"a":[{"b":[{"c":["d"]}]}]}"#],
        &[r#"{"a":{"b":{"x":"d"}}}"#, r#"{"a.b.c":"d"}"#, r#"{"a":{"b":"d"}}"#, r#"{"a":{"b.c":"d"}}"#],
    ),
    (r#"{"a.b":["x"]}"#, &[r#"{"a.b":"x"}"#], &[r#"{"a":{"b":"x"}}"#]),
    (r#"{"a":["x","x"],"a":["y"]}"#, &[r#"{"a":"y"}"#], &[r#"{"a":"x"}"#]),
];

/// EventBridge: comparison operators on texts.
const TEXTS: &[Case] = &[
    (
        r#"{"time":[{"prefix":"2017-10-02"}]}"#,
        &[r#"{"time":"2017-10-02T18:43:48Z"}"#, r#"{"time":"2017-10-02"}"#, r#"{"time":["x","2017-10-02T"]}"#],
        &[
            r#"{"time":"2017-10-03"}"#,
            r#"{"time":" 2017-10-02"}"#,
            r#"{"time":20171002}"#,
            r#"{"time":null}"#,
            "{}",
            r#"{"time":""}"#,
        ],
    ),
    (r#"{"a":[{"prefix":""}]}"#, &[r#"{"a":""}"#, r#"{"a":"anything"}"#], &[r#"{"a":1}"#, r#"{"a":null}"#, "{}"]),
    (
        r#"{"detail":{"service":[{"prefix":{"equals-ignore-case":"EventB"}}]}}"#,
        &[
            r#"{"detail":{"service":"EventBridge"}}"#,
            r#"{"detail":{"service":"eventbridge"}}"#,
            r#"{"detail":{"service":"EVENTBUS"}}"#,
        ],
        &[r#"{"detail":{"service":"event"}}"#, r#"{"detail":{"service":"xEventB"}}"#, r#"{"detail":{"service":7}}"#],
    ),
    (
        r#"{"FileName":[{"suffix":".png"}]}"#,
        &[r#"{"FileName":"a.png"}"#, r#"{"FileName":".png"}"#],
        &[r#"{"FileName":"a.PNG"}"#, r#"{"FileName":"a.png.jpg"}"#, r#"{"FileName":"png"}"#, r#"{"FileName":false}"#],
    ),
    (
        r#"{"FileName":[{"suffix":{"equals-ignore-case":".png"}}]}"#,
        &[r#"{"FileName":"a.PNG"}"#, r#"{"FileName":"a.pNg"}"#],
        &[r#"{"FileName":"a.jpg"}"#, r#"{"FileName":"PNG"}"#],
    ),
    (
        r#"{"detail-type":[{"equals-ignore-case":"ec2 instance state-change notification"}]}"#,
        &[
            r#"{"detail-type":"EC2 Instance State-change Notification"}"#,
            r#"{"detail-type":"ec2 INSTANCE state-change notification"}"#,
        ],
        &[r#"{"detail-type":"ec2 instance"}"#, r#"{"detail-type":["x"]}"#],
    ),
    (
        r#"{"EventBusArn":[{"wildcard":"arn:aws:events:us-east-1:*:event-bus/*"}]}"#,
        &[
            r#"{"EventBusArn":"arn:aws:events:us-east-1:123456789012:event-bus/myBus"}"#,
            r#"{"EventBusArn":"arn:aws:events:us-east-1::event-bus/"}"#,
        ],
        &[
            r#"{"EventBusArn":"arn:aws:events:us-west-2:123456789012:event-bus/x"}"#,
            r#"{"EventBusArn":"arn:aws:events:us-east-1:1:rule/x"}"#,
        ],
    ),
    (
        r#"{"FileName":[{"wildcard":"*.png"}]}"#,
        &[r#"{"FileName":"a.png"}"#, r#"{"FileName":".png"}"#, r#"{"FileName":"a.png.png"}"#],
        &[r#"{"FileName":"a.pngx"}"#, r#"{"FileName":"apng"}"#],
    ),
    (
        r#"{"a":[{"wildcard":"dir/*/file*.txt"}]}"#,
        &[r#"{"a":"dir/x/file1.txt"}"#, r#"{"a":"dir//file.txt"}"#, r#"{"a":"dir/x/y/file.txt.txt"}"#],
        &[r#"{"a":"dir/file.txt"}"#, r#"{"a":"dir/x/file"}"#, r#"{"a":"xdir/x/file.txt"}"#],
    ),
    (r#"{"a":[{"wildcard":"a\\*b"}]}"#, &[r#"{"a":"a*b"}"#], &[r#"{"a":"axb"}"#, r#"{"a":"ab"}"#]),
    (r#"{"a":[{"wildcard":"a\\\\*"}]}"#, &[r#"{"a":"a\\x"}"#, r#"{"a":"a\\"}"#], &[r#"{"a":"ax"}"#, r#"{"a":"a*"}"#]),
    (r#"{"a":[{"wildcard":"*"}]}"#, &[r#"{"a":""}"#, r#"{"a":"x"}"#], &[r#"{"a":1}"#, "{}"]),
    (r#"{"a":[{"wildcard":"ab*ba"}]}"#, &[r#"{"a":"abba"}"#, r#"{"a":"ab-ba"}"#], &[r#"{"a":"aba"}"#, r#"{"a":"ab"}"#]),
    (r#"{"a":[{"wildcard":"plain"}]}"#, &[r#"{"a":"plain"}"#], &[r#"{"a":"plain "}"#, r#"{"a":"plai"}"#]),
    (
        r#"{"ip":[{"cidr":"10.0.0.0/24"}]}"#,
        &[r#"{"ip":"10.0.0.0"}"#, r#"{"ip":"10.0.0.255"}"#, r#"{"ip":["1.1.1.1","10.0.0.7"]}"#],
        &[r#"{"ip":"10.0.1.0"}"#, r#"{"ip":"10.0.0"}"#, r#"{"ip":"x"}"#, r#"{"ip":167772160}"#, r#"{"ip":"::1"}"#],
    ),
    (
        r#"{"ip":[{"cidr":"2001:db8::/32"}]}"#,
        &[r#"{"ip":"2001:db8::1"}"#, r#"{"ip":"2001:0db8:ffff::"}"#],
        &[r#"{"ip":"2001:db9::1"}"#, r#"{"ip":"10.0.0.1"}"#],
    ),
    (
        r#"{"ip":[{"cidr":"0.0.0.0/0"}]}"#,
        &[r#"{"ip":"1.2.3.4"}"#, r#"{"ip":"255.255.255.255"}"#],
        &[r#"{"ip":"::1"}"#, r#"{"ip":""}"#],
    ),
];

/// EventBridge: anything-but, in all its forms.
const ANYTHING_BUT: &[Case] = &[
    (
        r#"{"detail":{"state":[{"anything-but":"initializing"}]}}"#,
        &[
            r#"{"detail":{"state":"running"}}"#,
            r#"{"detail":{"state":""}}"#,
            r#"{"detail":{"state":1}}"#,
            r#"{"detail":{"state":null}}"#,
            r#"{"detail":{"state":["initializing","running"]}}"#,
        ],
        &[
            r#"{"detail":{"state":"initializing"}}"#,
            r#"{"detail":{}}"#,
            r#"{"detail":{"state":[]}}"#,
            r#"{"detail":{"state":{"x":1}}}"#,
        ],
    ),
    (
        r#"{"detail":{"x-limit":[{"anything-but":123}]}}"#,
        &[r#"{"detail":{"x-limit":124}}"#, r#"{"detail":{"x-limit":"123"}}"#],
        &[r#"{"detail":{"x-limit":123}}"#, r#"{"detail":{"x-limit":123.0}}"#],
    ),
    (
        r#"{"detail":{"state":[{"anything-but":["stopped","overloaded"]}]}}"#,
        &[r#"{"detail":{"state":"running"}}"#],
        &[
            r#"{"detail":{"state":"stopped"}}"#,
            r#"{"detail":{"state":"overloaded"}}"#,
            r#"{"detail":{"state":["stopped","overloaded"]}}"#,
        ],
    ),
    (
        r#"{"detail":{"x-limit":[{"anything-but":[100,200,300]}]}}"#,
        &[r#"{"detail":{"x-limit":150}}"#],
        &[r#"{"detail":{"x-limit":200}}"#, r#"{"detail":{"x-limit":300.0}}"#],
    ),
    (
        r#"{"state":[{"anything-but":{"equals-ignore-case":"initializing"}}]}"#,
        &[r#"{"state":"running"}"#],
        &[r#"{"state":"INITIALIZING"}"#, r#"{"state":"initializing"}"#],
    ),
    (
        r#"{"state":[{"anything-but":{"equals-ignore-case":["Stopped","OverLoaded"]}}]}"#,
        &[r#"{"state":"x"}"#],
        &[r#"{"state":"stopped"}"#, r#"{"state":"OVERLOADED"}"#],
    ),
    (
        r#"{"state":[{"anything-but":{"prefix":"init"}}]}"#,
        &[r#"{"state":"running"}"#, r#"{"state":"INIT"}"#, r#"{"state":5}"#],
        &[r#"{"state":"initializing"}"#, r#"{"state":"init"}"#, "{}"],
    ),
    (
        r#"{"state":[{"anything-but":{"prefix":["init","error"]}}]}"#,
        &[r#"{"state":"ok"}"#],
        &[r#"{"state":"initial"}"#, r#"{"state":"errors"}"#],
    ),
    (
        r#"{"FileName":[{"anything-but":{"suffix":".txt"}}]}"#,
        &[r#"{"FileName":"a.png"}"#],
        &[r#"{"FileName":"a.txt"}"#],
    ),
    (
        r#"{"FileName":[{"anything-but":{"suffix":[".txt",".rtf"]}}]}"#,
        &[r#"{"FileName":"a.png"}"#],
        &[r#"{"FileName":"a.txt"}"#, r#"{"FileName":"a.rtf"}"#],
    ),
    (
        r#"{"FilePath":[{"anything-but":{"wildcard":"*/lib/*"}}]}"#,
        &[r#"{"FilePath":"/bin/x"}"#],
        &[r#"{"FilePath":"/lib/x"}"#, r#"{"FilePath":"a/lib/"}"#],
    ),
    (
        r#"{"FilePath":[{"anything-but":{"wildcard":["*/lib/*","*/bin/*"]}}]}"#,
        &[r#"{"FilePath":"/etc/x"}"#],
        &[r#"{"FilePath":"/lib/x"}"#, r#"{"FilePath":"/bin/x"}"#],
    ),
];

/// EventBridge: numbers and existence.
const NUMBERS: &[Case] = &[
    (
        r#"{"n":[{"numeric":["=",100]}]}"#,
        &[r#"{"n":100}"#, r#"{"n":1e2}"#, r#"{"n":100.0}"#],
        &[r#"{"n":99}"#, r#"{"n":"100"}"#, r#"{"n":true}"#, "{}"],
    ),
    (
        r#"{"n":[{"numeric":["<",10]}]}"#,
        &[r#"{"n":9.999}"#, r#"{"n":-1}"#, r#"{"n":[20,5]}"#],
        &[r#"{"n":10}"#, r#"{"n":11}"#, r#"{"n":null}"#],
    ),
    (r#"{"n":[{"numeric":["<=",10]}]}"#, &[r#"{"n":10}"#, r#"{"n":0}"#], &[r#"{"n":10.1}"#]),
    (r#"{"n":[{"numeric":[">",10]}]}"#, &[r#"{"n":11}"#, r#"{"n":10.5}"#], &[r#"{"n":10}"#, r#"{"n":-11}"#]),
    (r#"{"n":[{"numeric":[">=",10.5]}]}"#, &[r#"{"n":10.5}"#, r#"{"n":11}"#], &[r#"{"n":10}"#, r#"{"n":10.4}"#]),
    (
        r#"{"c-count":[{"numeric":[">",0,"<=",5]}]}"#,
        &[r#"{"c-count":1}"#, r#"{"c-count":5}"#, r#"{"c-count":0.001}"#],
        &[r#"{"c-count":0}"#, r#"{"c-count":5.001}"#, r#"{"c-count":-1}"#],
    ),
    (
        r#"{"n":[{"numeric":[">=",-5,"<",5]}]}"#,
        &[r#"{"n":-5}"#, r#"{"n":0}"#, r#"{"n":4.9}"#],
        &[r#"{"n":5}"#, r#"{"n":-5.1}"#],
    ),
    (
        r#"{"detail":{"state":[{"exists":true}]}}"#,
        &[
            r#"{"detail":{"state":"x"}}"#,
            r#"{"detail":{"state":null}}"#,
            r#"{"detail":{"state":""}}"#,
            r#"{"detail":{"state":[1]}}"#,
        ],
        &[r#"{"detail":{}}"#, "{}", r#"{"detail":{"state":{"x":1}}}"#, r#"{"detail":{"state":[]}}"#],
    ),
    (
        r#"{"detail":{"state":[{"exists":false}]}}"#,
        &[r#"{"detail":{}}"#, "{}", r#"{"detail":{"other":1}}"#, r#"{"detail":{"state":{"x":1}}}"#],
        &[r#"{"detail":{"state":"x"}}"#, r#"{"detail":{"state":null}}"#],
    ),
    (
        r#"{"state":["on",{"exists":false}]}"#,
        &[r#"{"state":"on"}"#, "{}"],
        &[r#"{"state":"off"}"#, r#"{"state":null}"#],
    ),
    (
        r#"{"a":{"b":[{"exists":false}]}}"#,
        &[r#"{"a":[{"c":1},{"d":2}]}"#, r#"{"a":[]}"#, r#"{"a":"x"}"#],
        &[r#"{"a":[{"b":1},{"c":2}]}"#, r#"{"a":{"b":0}}"#],
    ),
];

/// EventBridge: several conditions, `$or`, arrays of objects.
const TOGETHER: &[Case] = &[
    (
        r#"{"time":[{"prefix":"2017-10-02"}],"detail":{"state":[{"anything-but":"initializing"}],"c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}],"x-limit":[{"anything-but":[100,200,300]}]}}"#,
        &[r#"{"time":"2017-10-02T","detail":{"state":"on","c-count":2,"d-count":1,"x-limit":5}}"#],
        &[
            r#"{"time":"2017-10-02T","detail":{"state":"on","c-count":2,"d-count":1,"x-limit":100}}"#,
            r#"{"time":"2017-10-02T","detail":{"state":"on","c-count":6,"d-count":1,"x-limit":5}}"#,
            r#"{"time":"2018-10-02T","detail":{"state":"on","c-count":2,"d-count":1,"x-limit":5}}"#,
            r#"{"time":"2017-10-02T","detail":{"state":"on","c-count":2,"x-limit":5}}"#,
        ],
    ),
    (
        r#"{"detail":{"$or":[{"c-count":[{"numeric":[">",0,"<=",5]}]},{"d-count":[{"numeric":["<",10]}]},{"x-limit":[{"numeric":["=",3.018e2]}]}]}}"#,
        &[
            r#"{"detail":{"c-count":3}}"#,
            r#"{"detail":{"d-count":5}}"#,
            r#"{"detail":{"x-limit":301.8}}"#,
            r#"{"detail":{"c-count":9,"d-count":5}}"#,
        ],
        &[r#"{"detail":{"c-count":9,"d-count":11,"x-limit":1}}"#, r#"{"detail":{}}"#, r#"{"c-count":3}"#],
    ),
    (
        r#"{"source":["aws.cloudwatch"],"$or":[{"metricName":["CPUUtilization","ReadLatency"]},{"namespace":["AWS/EC2","AWS/ES"],"kind":["x"]}]}"#,
        &[
            r#"{"source":"aws.cloudwatch","metricName":"CPUUtilization"}"#,
            r#"{"source":"aws.cloudwatch","namespace":"AWS/ES","kind":"x"}"#,
        ],
        &[
            r#"{"source":"aws.cloudwatch","namespace":"AWS/ES"}"#,
            r#"{"metricName":"CPUUtilization"}"#,
            r#"{"source":"aws.cloudwatch"}"#,
        ],
    ),
    (
        r#"{"$or":[{"a":["1"]},{"$or":[{"b":["2"]},{"c":["3"]}]}]}"#,
        &[r#"{"a":"1"}"#, r#"{"b":"2"}"#, r#"{"c":"3"}"#],
        &[r#"{"a":"2"}"#, r#"{"$or":"1"}"#],
    ),
    (r#"{"$or":["x","y"]}"#, &[r#"{"$or":"x"}"#, r#"{"$or":"y"}"#], &[r#"{"x":1}"#, r#"{"$or":"z"}"#]),
    (
        r#"{"$or":[{"prefix":"x"},{"suffix":"y"}]}"#,
        &[r#"{"$or":"xa"}"#, r#"{"$or":"ay"}"#],
        &[r#"{"prefix":"x"}"#, r#"{"$or":"a"}"#],
    ),
    (
        r#"{"employees":{"firstName":["Anna"],"lastName":["Smith"]}}"#,
        &[r#"{"employees":[{"firstName":"Anna","lastName":"Smith"},{"firstName":"John","lastName":"Doe"}]}"#],
        &[
            r#"{"employees":[{"firstName":"Anna","lastName":"Jones"},{"firstName":"Peter","lastName":"Smith"}]}"#,
            r#"{"employees":[{"firstName":"Anna"},{"lastName":"Smith"}]}"#,
        ],
    ),
    (
        r#"{"a":{"ids":{"id":["1"]},"name":["x"]}}"#,
        &[r#"{"a":[{"ids":[{"id":"2"},{"id":"1"}],"name":"x"}]}"#],
        &[r#"{"a":[{"ids":[{"id":"1"}],"name":"y"},{"ids":[{"id":"2"}],"name":"x"}]}"#],
    ),
    (
        r#"{"region":["us-east-1"],"detail":{"bucket":{"name":["b"]},"object":{"key":[{"prefix":"in/"},{"suffix":".csv"}]}}}"#,
        &[
            r#"{"region":"us-east-1","detail":{"bucket":{"name":"b"},"object":{"key":"in/x","size":1}}}"#,
            r#"{"region":"us-east-1","detail":{"bucket":{"name":"b"},"object":{"key":"out/x.csv"}}}"#,
        ],
        &[
            r#"{"region":"us-east-1","detail":{"bucket":{"name":"b"},"object":{"key":"out/x"}}}"#,
            r#"{"region":"us-east-1","detail":{"bucket":{"name":"c"},"object":{"key":"in/x"}}}"#,
            r#"{"region":"us-east-2","detail":{"bucket":{"name":"b"},"object":{"key":"in/x"}}}"#,
        ],
    ),
];

/// SNS: attributes as an object, arrays of texts, and payloads.
const TOPICS: &[Case] = &[
    (
        r#"{"customer_interests":["rugby"]}"#,
        &[r#"{"customer_interests":"rugby"}"#, r#"{"customer_interests":["soccer","rugby","hockey"]}"#],
        &[r#"{"customer_interests":["soccer"]}"#, r#"{"customer_interests":"Rugby"}"#, "{}"],
    ),
    (
        r#"{"customer_interests":[{"anything-but":["rugby","tennis"]}]}"#,
        &[r#"{"customer_interests":"baseball"}"#, r#"{"customer_interests":["rugby","baseball"]}"#],
        &[r#"{"customer_interests":["rugby"]}"#, r#"{"customer_interests":"tennis"}"#],
    ),
    (
        r#"{"event":[{"anything-but":{"prefix":"order-"}}]}"#,
        &[r#"{"event":"data-entry"}"#, r#"{"event":"order_number"}"#],
        &[r#"{"event":"order-cancelled"}"#],
    ),
    (
        r#"{"customer_interests":[{"equals-ignore-case":"tennis"}]}"#,
        &[r#"{"customer_interests":"TENNIS"}"#, r#"{"customer_interests":"Tennis"}"#],
        &[r#"{"customer_interests":"tennis "}"#],
    ),
    (
        r#"{"source_ip":[{"cidr":"10.0.0.0/24"}]}"#,
        &[r#"{"source_ip":"10.0.0.0"}"#, r#"{"source_ip":"10.0.0.255"}"#],
        &[r#"{"source_ip":"10.1.1.0"}"#],
    ),
    (
        r#"{"customer_interests":[{"prefix":"bas"}]}"#,
        &[r#"{"customer_interests":"baseball"}"#, r#"{"customer_interests":["x","basketball"]}"#],
        &[r#"{"customer_interests":"rugby"}"#],
    ),
    (
        r#"{"customer_interests":[{"suffix":"ball"}]}"#,
        &[r#"{"customer_interests":"baseball"}"#, r#"{"customer_interests":"basketball"}"#],
        &[r#"{"customer_interests":"rugby"}"#],
    ),
    (
        r#"{"price_usd":[{"numeric":["=",301.5]}]}"#,
        &[r#"{"price_usd":301.5}"#, r#"{"price_usd":3.015e2}"#],
        &[r#"{"price_usd":301}"#],
    ),
    (
        r#"{"price":[{"anything-but":[100,500]}]}"#,
        &[r#"{"price":101}"#, r#"{"price":100.1}"#],
        &[r#"{"price":100}"#, r#"{"price":500.0}"#],
    ),
    (
        r#"{"price_usd":[{"numeric":[">",0,"<",150]}]}"#,
        &[r#"{"price_usd":149.9}"#, r#"{"price_usd":1}"#],
        &[r#"{"price_usd":0}"#, r#"{"price_usd":150}"#, r#"{"price_usd":-1}"#],
    ),
    (
        r#"{"store":["example_corp"],"event":[{"anything-but":"order_cancelled"}],"customer_interests":["rugby","football","baseball"],"price_usd":[{"numeric":[">=",100]}]}"#,
        &[
            r#"{"store":"example_corp","event":"order_placed","customer_interests":["soccer","rugby"],"price_usd":210.75}"#,
        ],
        &[
            r#"{"store":"example_corp","event":"order_cancelled","customer_interests":["rugby"],"price_usd":210.75}"#,
            r#"{"store":"example_corp","event":"order_placed","customer_interests":["soccer"],"price_usd":210.75}"#,
            r#"{"store":"example_corp","event":"order_placed","customer_interests":["rugby"],"price_usd":99}"#,
            r#"{"event":"order_placed","customer_interests":["rugby"],"price_usd":210.75}"#,
        ],
    ),
    (
        r#"{"key_b":["value"],"encrypted":[{"exists":false}]}"#,
        &[r#"{"key_b":"value"}"#],
        &[r#"{"key_b":"value","encrypted":"no"}"#],
    ),
    (
        r#"{"attr1":[null,{"anything-but":"whatever"}]}"#,
        &[r#"{"attr1":null}"#, r#"{"attr1":"x"}"#],
        &[r#"{"attr1":"whatever"}"#, "{}"],
    ),
];

/// Lambda: what queues, streams and buckets send.
const SOURCES: &[Case] = &[
    (
        r#"{"body":{"RequestCode":["BBBB"]}}"#,
        &[r#"{"messageId":"1","body":{"RequestCode":"BBBB","Extra":1}}"#],
        &[r#"{"body":{"RequestCode":"AAAA"}}"#, r#"{"body":"{\"RequestCode\":\"BBBB\"}"}"#],
    ),
    (
        r#"{"body":{"RecordNumber":[{"exists":true}],"RequestCode":["BBBB"]}}"#,
        &[r#"{"body":{"RecordNumber":"0000","RequestCode":"BBBB"}}"#],
        &[r#"{"body":{"RequestCode":"BBBB"}}"#],
    ),
    (
        r#"{"eventName":["INSERT"],"dynamodb":{"NewImage":{"status":{"S":["open"]}}}}"#,
        &[r#"{"eventName":"INSERT","dynamodb":{"NewImage":{"status":{"S":"open"}}}}"#],
        &[
            r#"{"eventName":"MODIFY","dynamodb":{"NewImage":{"status":{"S":"open"}}}}"#,
            r#"{"eventName":"INSERT","dynamodb":{"OldImage":{"status":{"S":"open"}}}}"#,
        ],
    ),
    (
        r#"{"dynamodb":{"Keys":{"CustomerName":{"S":["AnyCompany Industries"]}}}}"#,
        &[r#"{"dynamodb":{"Keys":{"CustomerName":{"S":"AnyCompany Industries"},"Year":{"N":"1"}}}}"#],
        &[r#"{"dynamodb":{"Keys":{"CustomerName":{"N":"AnyCompany Industries"}}}}"#],
    ),
    (
        r#"{"data":{"City":["Seattle"],"State":["WA"],"Temperature":[46],"Month":["December"]}}"#,
        &[r#"{"data":{"City":"Seattle","State":"WA","Temperature":46,"Month":"December"}}"#],
        &[
            r#"{"data":{"City":"Seattle","State":"WA","Temperature":47,"Month":"December"}}"#,
            r#"{"data":{"City":"Seattle"}}"#,
        ],
    ),
    (
        r#"{"Location":["New York"],"Day":["Monday","Tuesday"]}"#,
        &[r#"{"Location":"New York","Day":"Monday"}"#, r#"{"Location":"New York","Day":"Tuesday"}"#],
        &[r#"{"Location":"New York","Day":"Sunday"}"#, r#"{"Day":"Monday"}"#],
    ),
];

#[test]
fn documented_cases_hold() {
    let mut count = 0;
    for (pattern, matching, others) in [EXACT, TEXTS, ANYTHING_BUT, NUMBERS, TOGETHER, TOPICS, SOURCES].concat() {
        let compiled = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        for (events, expected) in [(matching, true), (others, false)] {
            for event in events {
                let parsed: Value = serde_json::from_str(event).unwrap();
                assert_eq!(compiled.matches(&parsed), expected, "{pattern} and {event}");
                count += 1;
            }
        }
    }
    assert!(count >= 300, "{count} cases");
}
