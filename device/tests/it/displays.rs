//! `kiosk displays`, on whatever machine this is.

use serde_json::Value;

use crate::kiosk::kiosk;

#[test]
fn no_display_is_an_answer_and_json_says_the_same_as_the_table() {
    let json = kiosk(["displays", "--json"]);
    assert_eq!(json.status, Some(0), "{json:?}");
    let [report]: [Value; 1] = json.lines().try_into().unwrap();
    let why = report["why"].as_str().unwrap();
    let table = kiosk(["displays"]);
    assert_eq!(table.status, Some(0), "{table:?}");
    assert!(table.out.trim_end().ends_with(why), "{}\n{why}", table.out);
    assert_eq!(report["auto"] == Value::Null, table.out.contains("finds no display"));
}
