// What Go itself makes of values: prints the data file that crates/go/tests/values.rs reads.
//
//	"$PANNIER_GO" run crates/go/oracle/main.go > crates/go/tests/data/values.json
package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

type row struct {
	In  string `json:"in"`
	Arg string `json:"arg,omitempty"`
	Out string `json:"out,omitempty"`
	Err string `json:"err,omitempty"`
}

// Bytes are written as Latin-1, so that the file is JSON: one character for each byte.
func latin(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func add(rows []row, in, arg, out string, err error) []row {
	r := row{In: latin(in), Arg: arg, Out: latin(out)}
	if err != nil {
		r.Err, r.Out = latin(err.Error()), ""
	}
	return append(rows, r)
}

func main() {
	all := map[string][]row{}

	durations := []string{"", " 5s", "+5s", "-", "+", "-0", "+0", "-1.5h", ".5s", ".s", ".", "0", "00", "0.1ns", "0s", "1.0000000001h", "1.5", "1.s", "1M", "1d", "1e3s", "1h15m30.918273645s", "1h1h", "1h30m", "1hour", "1m 30s", "1m30", "1min", "1ns", "1s1m", "1us", "1w", "1µs", "1μs", "2540400h", "3000000h", "300ms", "5", "5s ", "9223372036854775807ns", "9223372036854775808ns", "-9223372036854775808ns", "-9223372036854775809ns", "s", "0.9223372036854775807h", "0.9223372036854775808h", "0.99999999999999999999999999s", "1.1111111111111111111111111s", "0.830103483285477580700h", "--5s", "1\xffs", "é", "\"", "1\\s", "9223372036854775808s", "2562047h47m16.854775807s", "2562047h47m16.854775808s", "1h-1m", "٣s", "1.5ms2.5us", "100.00000000000000000000ns", "9007199254.740993ms", "33.3333333h"}
	for _, d := range durations {
		v, err := time.ParseDuration(d)
		all["duration"] = add(all["duration"], d, "", strconv.FormatInt(int64(v), 10), err)
	}
	for _, n := range []int64{0, 1, 999, 1000, 1100, 1500, 999999, 1000000, 2200000, 3300000000, 999999999, 1000000000, 60000000000, 61001000000, 3600000000000, 3661000000001, -1, -1500, -3600000000000, math.MaxInt64, math.MinInt64, 36000000000000, 7200000000000, 90000000000, 1234567890} {
		all["durationText"] = add(all["durationText"], strconv.FormatInt(n, 10), "", time.Duration(n).String(), nil)
	}

	integers := []string{"", "0", "-0", "+0", "1", "-1", "+1", "12345x", "x", " 1", "1 ", "-", "+", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "99999999999999999999", "99999999999999999999x", "0x", "0x1f", "0X1F", "-0xff", "0b101", "0b2", "0o17", "017", "08", "0_8", "1_000", "1__0", "_1", "1_", "0x_1f", "0x1_f_", "0b", "0_", "0_7", "1e3", "1.0", "０", "é\"\\\n", "\xff", "ff", "zz"}
	for _, base := range []int{10, 0, 16, 8, 36} {
		for _, s := range integers {
			b := strconv.Itoa(base)
			i, err := strconv.ParseInt(s, base, 64)
			all["int"] = add(all["int"], s, b, strconv.FormatInt(i, 10), err)
			u, err := strconv.ParseUint(s, base, 64)
			all["uint"] = add(all["uint"], s, b, strconv.FormatUint(u, 10), err)
		}
	}
	for _, s := range integers {
		i, err := strconv.Atoi(s)
		all["atoi"] = add(all["atoi"], s, "", strconv.Itoa(i), err)
		v, err := strconv.ParseBool(s)
		all["bool"] = add(all["bool"], s, "", strconv.FormatBool(v), err)
	}

	floats := append([]string{}, integers...)
	floats = append(floats, "1.5", "-1.50", ".5", "5.", ".", "1e", "1e+", "1e+5", "1E-5", "e5", "inf", "Inf", "+INF", "-infinity", "+Infinity", "nan", "NaN", "-nan", "infi", "1e400", "-1e400", "1e-400", "0x1p-2", "0x1.8p1", "0x1", "0x1p", "0x.8p1", "0x.p1", "0xp1", "0x1P+10", "-0x1p0", "0x1.fffffffffffff8p0", "0x1.fffffffffffff7p0", "0x1p1023", "0x1p1024", "0x1.fffffffffffffp1023", "0x1.fffffffffffff8p1023", "0x1p-1074", "0x1p-1075", "0x1.8p-1075", "0x3p-1075", "0x123456789abcdef0123p0", "0x1_0p0", "1_000.5", "1_.5", "1._5", "1e1_0", "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1.7976931348623157e308", "1.7976931348623159e308", "2.2250738585072011e-308", "0.1", "0.3", "123456789012345678901234567890", "1e23", "8.41e21", "9007199254740993", "0x0p0", "-0", "-0.0", "1d", "0b1", "0x1p99999999999999999999", "0x0.0000001p99999999999999", "0e99999999999")
	for _, s := range floats {
		f, err := strconv.ParseFloat(s, 64)
		all["float"] = add(all["float"], s, "", strconv.FormatUint(math.Float64bits(f), 10), err)
	}
	values := []float64{0, math.Copysign(0, -1), 1, -1, 1.5, 0.1, 0.3, 100, 123456, 999999, 1000000, 1234567, 1e20, 1e21, 1.2345e22, 1e-4, 1e-5, 1.5e-5, 123456789, 0.000001, 0.0000001, 1e100, 1e-100, math.MaxFloat64, math.SmallestNonzeroFloat64, 2.2250738585072014e-308, math.Pi, -math.E, 2.5, 3.5, 0.5, 0.25, 0.125, 9.995, 99.5, 123.456, 1e23, 8.41e21, 5e-324, math.Inf(1), math.Inf(-1), math.NaN(), 0.000123456, 1048576, 100000.5, 1.005, 1e6, 1e5, 1099511627776, 16, 255, 1.9999999999999998}
	for _, v := range values {
		for _, form := range []byte{'e', 'f', 'g', 'x', 'b'} {
			for _, prec := range []int{-1, 0, 1, 2, 3, 6, 10, 17, 25} {
				bits := strconv.FormatUint(math.Float64bits(v), 10)
				all["floatText"] = add(all["floatText"], bits, string(form)+strconv.Itoa(prec), strconv.FormatFloat(v, form, prec, 64), nil)
			}
		}
		if b, err := json.Marshal(v); err == nil {
			all["floatJSON"] = add(all["floatJSON"], strconv.FormatUint(math.Float64bits(v), 10), "", string(b), nil)
		}
	}

	texts := []string{"", "plain", "a\"b", "it's", "back\\slash", "\a\b\f\n\r\t\v\x00\x1f\x7f", "é☃日本", "\u00a0\u00ad\u200b\ufeff\u2028", "\xff\xfea\xc3", "\U0001F600", "e\u0301", "\u0301", "\ufffd", "\ue000", "\U000e0001", "`", "a`b", "tab\t", "\U0010ffff", "<&>", "\u3000"}
	for _, s := range texts {
		all["quote"] = add(all["quote"], s, "", strconv.Quote(s), nil)
		all["quoteASCII"] = add(all["quoteASCII"], s, "", strconv.QuoteToASCII(s), nil)
		all["backquote"] = add(all["backquote"], s, "", strconv.FormatBool(strconv.CanBackquote(s)), nil)
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.Encode(s)
		all["jsonString"] = add(all["jsonString"], s, "html", strings.TrimSuffix(b.String(), "\n"), nil)
		b.Reset()
		e.SetEscapeHTML(false)
		e.Encode(s)
		all["jsonString"] = add(all["jsonString"], s, "plain", strings.TrimSuffix(b.String(), "\n"), nil)
	}
	for _, r := range []rune{'a', '\'', '"', '\\', '\n', 0x7f, 0xe9, 0x2603, 0x1F600, 0xd800, 0x110000, 0, 0xad} {
		all["quoteRune"] = add(all["quoteRune"], strconv.Itoa(int(r)), "", strconv.QuoteRune(r), nil)
		all["quoteRuneASCII"] = add(all["quoteRuneASCII"], strconv.Itoa(int(r)), "", strconv.QuoteRuneToASCII(r), nil)
	}
	for _, s := range []string{"", `"`, `""`, `"a"`, `'a'`, `'ab'`, `''`, "`a\\n`", "`a`b`", "`a\r\nb`", `"a\nb\x41\101\u00e9\U0001F600\"\\"`, `"\'"`, `'\''`, `'\"'`, `"\q"`, `"\x4"`, `"\400"`, `"\377"`, `"\ud800"`, `"\U00110000"`, `"a` + "\n" + `b"`, `"é"`, "\"\xff\"", "'\xff'", `'é'`, `'\x41'`, `'\u00e9'`, `"a'`, `abc`, `'\xff'`, `"\xe9"`, `"\`, `"\"`, `"a"b"`, "``", `'\n'`, `"\8"`, `"\18"`} {
		v, err := strconv.Unquote(s)
		all["unquote"] = add(all["unquote"], s, "", v, err)
	}

	deep := strings.Repeat("[", 10000) + strings.Repeat("]", 10000)
	_ = deep
	documents := []string{"", " ", "{", "{bad", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{\"a\" 1}", "{\"a\":1 \"b\"}", "{1:2}", "{'a':1}", "[", "[1", "[1,", "[1,]", "[1 2]", "[,", "]", "}", "nul", "nulL", "null", "true", "truE", "tr", "fals", "false", "falsx", "\"", "\"a", "\"a\\", "\"\\q\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ud83dx\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"", "\"\\ud83d\\ud83d\\ude00\"", "\"\n\"", "\"\x00\"", "\"\x7f\"", "\"\xff\xfe\"", "\"é☃\"", "01", "-", "-1", "-a", "1.", "1.x", "1.5", "1e", "1e+", "1e+x", "1E5", "0.1e1", "-0", "1 2", "1x", "{}x", "[]]", "\xff", "é", "\x01", "'", "{\"a\":1,\"a\":2}", "{\"b\":[1,2,{\"c\":null}],\"a\":\"x\\ty\\/\\\"\\b\\f\"}", "  [ 1 , 2 ]\n\t\r", "\ufeff{}", "12345678901234567890123", "1e400", "{\"a\":{\"b\":{}}}", "[[],{},\"\"]", "{\"\":1}", "{\"<&>\u2028\":\"<&>\u2028\"}", "+1", ".5", "NaN", "{\"a\":tru}", "[nulll]", "{\"a\":\"b\"\"c\"}", "\"\\u00e9\\n\\r\\t\\\\\"", "{\"a\":1}}", "{,}", "[\"a\":1]", "0x10", "1_000", "-01", "--1", "1.5.5", "1e5e5", "{\"a\\\":1}", "\"abc\tdef\""}
	documents = append(documents, strings.Repeat("[", 10001), strings.Repeat("{\"a\":", 10001))
	for _, s := range documents {
		var v any
		d := json.NewDecoder(strings.NewReader(s))
		err := json.Unmarshal([]byte(s), &v)
		if err != nil && strings.HasPrefix(err.Error(), "json: cannot unmarshal") {
			err = nil // a number too big for float64; here its digits are kept
		}
		if err != nil {
			all["json"] = add(all["json"], s, "", "", err)
			continue
		}
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			panic(err)
		}
		out, err := json.Marshal(v)
		all["json"] = add(all["json"], s, "", string(out), err)
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		e.Encode(v)
		all["jsonIndent"] = add(all["jsonIndent"], s, "", strings.TrimSuffix(b.String(), "\n"), err)
	}

	enc := json.NewEncoder(os.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(all); err != nil {
		panic(err)
	}
}
