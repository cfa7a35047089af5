//! Tests the examples in Kubernetes' documentation of its libraries.

use serde_json::{Value, json};

use crate::admission::cel::{CelFailure, Engine};

fn evaluate(expression: &str) -> Result<bool, CelFailure> {
    let input = json!({"object": {"metadata": {"name": "cart", "labels": {"app": "cart", "tier": "web"}},
        "spec": {"replicas": 3, "list": [1, 2, 3]}}});
    Engine::of(&Value::Null, &input).boolean(expression)
}

#[test]
fn evaluates_the_examples_of_the_documentation() {
    let wrong: Vec<String> = TRUE
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .filter_map(|line| match evaluate(line) {
            Ok(true) => None,
            other => Some(format!("{line}: {other:?}")),
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn errors_of_the_server_are_errors_of_the_expression() {
    for line in FAILS.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let answer = evaluate(line);
        assert!(
            matches!(answer, Err(CelFailure::Error(_))),
            "{line}: {answer:?}"
        );
    }
}

#[test]
fn does_not_evaluate_what_the_server_may_read_differently() {
    for line in CANNOT
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let answer = evaluate(line);
        assert!(
            matches!(answer, Err(CelFailure::Cannot(_))),
            "{line}: {answer:?}"
        );
    }
}

const FAILS: &str = r#"
[].min() == 1
[].max() == 1
ip('10.0.0.256') == ip('10.0.0.1')
ip('::ffff:1.2.3.4').family() == 4
cidr('10.0.0.0/33').prefixLength() == 33
cidr('10.0.0.0/08').prefixLength() == 8
url('not a url').getHost() == ''
quantity('10 apples').sign() == 1
semver('1.2').major() == 1
duration('1d') == duration('24h')
timestamp('2026-01-02') == timestamp('2026-01-02T00:00:00Z')
optional.none().value() == 1
int('x') == 1
'abc'.charAt(9) == ''
[[1, 2], [3]].map(l, l[1]) == [2]
"#;

const CANNOT: &str = r#"
'é7'.find('\\w') == 'é'
'x'.find('(?P<a') == ''
[1, 'a'].max() == 'a'
object.metadata.name.nonsense() == ''
isURL('https://a:b:80/')
time.now() == timestamp('2026-01-02T00:00:00Z')
"#;

const TRUE: &str = r#"
// lists
[1, 2, 3].isSorted() && !['b', 'a'].isSorted() && [].isSorted()
[1, 3].sum() == 4 && [1.5, 2.5].sum() == 4.0 && [].sum() == 0
['b', 'a'].min() == 'a' && [1, 3].max() == 3
[1, 2, 2, 3].indexOf(2) == 1 && ['a', 'b', 'b', 'c'].lastIndexOf('b') == 2 && [1.0].indexOf(1.1) == -1
object.spec.list.sum() == 6
// sets
sets.contains([1, 2, 3, 4], [2, 3]) && sets.contains([1], []) && !sets.contains([], [1])
sets.equivalent([1], [1, 1]) && sets.equivalent([1], [1u, 1.0]) && !sets.equivalent([1, 2], [1])
sets.intersects([1], [1, 2]) && !sets.intersects([], [1]) && !sets.intersects([1], [])
// regex
"abc 123".find('[0-9]+') == '123' && "abc 123".find('xyz') == ''
"123 abc 456".findAll('[0-9]+') == ['123', '456'] && "123 abc 456".findAll('[0-9]+', 1) == ['123']
"123 abc 456".findAll('xyz') == [] && "123 456".findAll('[0-9]+', -1).size() == 2
'nginx:1.2'.matches('^[a-z]+:[0-9.]+$')
// strings
'hello'.charAt(4) == 'o' && 'hello mellow'.indexOf('ello') == 1 && 'hello mellow'.lastIndexOf('ello') == 7
['a', 'b'].join('-') == 'a-b' && 'TacoCat'.lowerAscii() == 'tacocat' && 'x'.upperAscii() == 'X'
'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && ' x '.trim() == 'x'
'hello hello'.replace('he', 'we') == 'wello wello' && 'tacocat'.substring(0, 4) == 'taco'
'%s has %d'.format(['cart', 3]) == 'cart has 3'
// urls
url('https://example.com:80/path?k=a&k=b&c=d#frag').getHost() == 'example.com:80'
url('https://example.com:80/path').getPort() == '80' && url('https://example.com/p').getPort() == ''
url('https://[::1]:80/').getHostname() == '::1' && url('https://127.0.0.1:80/').getHostname() == '127.0.0.1'
url('/absolute-path').getHost() == '' && url('/absolute-path').getScheme() == ''
url('https://example.com/path%20with').getEscapedPath() == '/path%20with'
url('https://x.com/?k=a&k=b&c=d&p=%20x+y').getQuery() == {'k': ['a', 'b'], 'c': ['d'], 'p': [' x y']}
isURL('https://user:pass@example.com:80/path') && isURL('/absolute-path') && !isURL('../relative-path')
!isURL('') && !isURL('https://a:b/') && !isURL('https://[::1/') && !isURL(':foo') && isURL('mailto:x')
url('https://a.com') == url('https://a.com')
// ip
ip('127.0.0.1') == ip('127.0.0.1') && ip('::1').family() == 6 && ip('127.0.0.1').family() == 4
isIP('127.0.0.1') && isIP('::1') && !isIP('127.0.0.256') && !isIP('') && !isIP('fe80::1%eth0') && !isIP('01.2.3.4')
ip.isCanonical('127.0.0.1') && ip.isCanonical('2001:db8::abcd') && !ip.isCanonical('2001:DB8::ABCD') && !ip.isCanonical('2001:db8:0:0:0:0:0:abcd')
ip('0.0.0.0').isUnspecified() && ip('127.0.0.1').isLoopback() && ip('224.0.0.1').isLinkLocalMulticast() && !ip('224.0.1.1').isLinkLocalMulticast()
ip('169.254.169.254').isLinkLocalUnicast() && ip('fe80::1').isLinkLocalUnicast() && ip('192.168.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()
string(ip('127.0.0.1')) == '127.0.0.1' && type(ip('127.0.0.1')) == net.IP
// cidr
cidr('192.168.0.0/24').containsIP(ip('192.168.0.1')) && cidr('192.168.0.0/24').containsIP('192.168.0.1') && !cidr('192.168.0.0/24').containsIP('192.168.1.1')
cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24') && !cidr('192.168.1.0/24').containsCIDR(cidr('192.168.0.0/16')) && cidr('0.0.0.0/0').containsIP('8.8.8.8')
cidr('192.168.1.5/24').masked() == cidr('192.168.1.0/24') && cidr('192.168.0.1/24').ip() == ip('192.168.0.1') && cidr('::1/128').prefixLength() == 128
isCIDR('192.168.0.0/16') && isCIDR('::1/128') && !isCIDR('192.168.0.0/33') && !isCIDR('192.168.0.0') && string(cidr('10.0.0.0/8')) == '10.0.0.0/8'
// quantity
quantity('500000G').isInteger() && !quantity('50k').isLessThan(quantity('50')) && quantity('1Ki').compareTo(quantity('1024')) == 0
quantity('50k').add(20) == quantity('50020') && quantity('50k').sub(quantity('1')).asInteger() == 49999 && !isQuantity('1,000')
// format
!format.dns1123Label().validate('my-label-name').hasValue() && format.dns1123Label().validate('My_Label').hasValue()
format.dns1123Subdomain().validate('apiextensions.k8s.io').orValue([]).size() == 0 && format.qualifiedName().validate('a/b/c').hasValue()
!format.qualifiedName().validate('apps.example.com/Name').hasValue() && !format.labelValue().validate('').hasValue() && format.labelValue().validate('a b').hasValue()
!format.dns1123LabelPrefix().validate('my-label-').hasValue() && format.dns1035Label().validate('1a').hasValue() && format.named('nothing') == optional.none()
format.named('dns1123Label').value().validate('a').hasValue() == false && !format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue()
!format.byte().validate('aGVsbG8=').hasValue() && format.byte().validate('aGVsbG8').hasValue() && !format.date().validate('2021-01-01').hasValue() && format.date().validate('2021-13-01').hasValue()
!format.datetime().validate('2021-01-01T00:00:00Z').hasValue() && !format.uri().validate('http://example.com').hasValue()
// semver
semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.2.3').compareTo(semver('1.2.3')) == 0 && semver('1.2.3-alpha').isLessThan(semver('1.2.3')) && semver('1.2.3-2') != semver('1.2.3')
isSemver('1.2.3-alpha.1+x') && !isSemver('v1.2') && isSemver('v1.2', true) && semver('v01.2', true) == semver('1.2.0') && semver('1.2.3').minor() == 2 && !isSemver('1.02.3')
// durations and timestamps
duration('90m') == duration('1h30m') && duration('1h') < duration('2h') && duration('1h') + duration('30m') == duration('90m') && duration('90m').getMinutes() == 90
timestamp('2026-01-02T03:04:05Z') < timestamp('2026-01-02T03:04:06+00:00') && timestamp('2026-01-02T03:04:05Z') - timestamp('2026-01-02T02:04:05Z') == duration('1h')
timestamp('2026-01-02T03:04:05Z').getFullYear() == 2026 && timestamp('2026-01-02T03:04:05Z').getMonth() == 0 && timestamp('2026-01-02T03:04:05Z') + duration('24h') == timestamp('2026-01-03T03:04:05Z')
timestamp('2026-01-04T00:00:00Z').getDayOfWeek() == 0 && string(duration('1.5s')) == '1.5s' && [duration('1s'), duration('2s')].sum() == duration('3s')
// optional values
object.?spec.?replicas.orValue(1) == 3 && object.?spec.?nothing.orValue(1) == 1 && object.metadata.?labels['none'].orValue('') == ''
optional.of(1).optMap(x, x + 1).value() == 2 && [?optional.none(), 1] == [1] && {?'a': optional.none()} == {}
// two variables
[1, 2, 3].all(i, v, i < v) && object.metadata.labels.all(k, v, k != '' && v != '') && !{'a': 1}.all(k, v, v > 1)
object.metadata.labels.exists(k, v, k == 'tier' && v == 'web') && [5, 6].existsOne(i, v, i == 1 && v == 6)
[1, 2, 3].transformList(i, v, i % 2 == 0, v * 2) == [2, 6] && {'a': 1, 'b': 2}.transformList(k, v, k) == ['a', 'b']
{'a': 1, 'b': 2}.transformMap(k, v, v + 1) == {'a': 2, 'b': 3} && {'a': 1, 'b': 2}.transformMap(k, v, v > 1, v) == {'b': 2} && ['x'].transformMap(i, v, v) == {0: 'x'}
{'a': 'x'}.transformMapEntry(k, v, {v: k}) == {'x': 'a'}
[1, 2].exists(i, v, v / (v - 1) > 0 || true) && [1, 2].all(i, v, [v].all(j, w, w == v))
// types
type(object.spec.replicas) == int && int('3') == object.spec.replicas && string(3) == '3' && double('1.5') == 1.5
"#;
