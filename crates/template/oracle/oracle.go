// What Go's text/template itself answers.
//
//	go run oracle.go <cases.json >answers.json
//	go run oracle.go methods >templates.json
//
// The second form writes a template for each method of the types of the time package and of json.Number.
//
// The cases are a list of {"t": base64 of the template, "d": data, "l", "r": delimiters, "mk": missingkey, "mode"}; with
// mode "number" JSON numbers are json.Number, else float64. The answers are {"function": the address that function values
// print, "answers": [{"out", "err": base64, "phase"}]}. The functions are those of support.rs.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"text/template"
	"time"
)

type request struct {
	Template []byte          `json:"t"`
	Data     json.RawMessage `json:"d"`
	Left     string          `json:"l"`
	Right    string          `json:"r"`
	Missing  string          `json:"mk"`
	Mode     string          `json:"mode"`
}

type answer struct {
	Out   []byte `json:"out"`
	Err   []byte `json:"err"`
	Phase string `json:"phase"`
}

// Obj has public and private fields, and methods.
type Obj struct {
	Key   string
	Value string
	Num   int
	inner map[string]any
}

func (o *Obj) Hello(s string) string      { return "hello " + s }
func (o *Obj) Get(k string) any           { return o.inner[k] }
func (o *Obj) Set(k string, v any) string { o.inner[k] = v; return "" }
func (o *Obj) Fail() (string, error)      { return "", errors.New("obj failed") }
func (o *Obj) String() string             { return "OBJ<" + o.Key + ">" }

func makeFunction() func(string) string {
	return func(s string) string { return "fn:" + s }
}

func functions() template.FuncMap {
	count := 0
	obj := &Obj{Key: "k", Value: "v", Num: 7, inner: map[string]any{"a": "b"}}
	return template.FuncMap{
		"fail":    func(s string) (string, error) { return "", errors.New(s) },
		"panicfn": func() string { panic("boom") },
		"counter": func() int { count++; return count },
		"obj":     func() *Obj { return obj },
		"dict": func(v ...any) map[string]any {
			m := map[string]any{}
			for i := 0; i+1 < len(v); i += 2 {
				m[fmt.Sprint(v[i])] = v[i+1]
			}
			return m
		},
		"list": func(v ...any) []any { return v },
		"strs": func(v ...string) []string { return v },
		"set": func(d map[string]any, k string, v any) (map[string]any, error) {
			switch v.(type) {
			case map[string]any, []any, map[string]string:
				// A map that holds itself would take Go down when it is printed.
				return nil, errors.New("not a scalar")
			}
			d[k] = v
			return d, nil
		},
		"addi":   func(a, b int) int { return a + b },
		"upper1": func(s string) string { return "U:" + s },
		"nilfn":  func() any { return nil },
		"mkfn":   makeFunction,
		"two":    func(a, b string) string { return a + "+" + b },
		// Without spare capacity, which would depend on Go's allocator.
		"bytes": func(s string) []byte { b := []byte(s); return b[:len(b):len(b)] },
		"ident": func(v any) any { return v },
		"u":     func(v int) uint { return uint(v) },
		"i64":   func(v int) int64 { return int64(v) },
		"i8":    func(v int) int8 { return int8(v) },
		"dur":   func(v int) time.Duration { return time.Duration(v) },
		"month": func(v int) time.Month { return time.Month(v) },
		"num":   func(s string) json.Number { return json.Number(s) },
		"fl":    func(f float64) float64 { return f },
		"bl":    func(b bool) bool { return b },
		"smap": func(v ...string) map[string]string {
			m := map[string]string{}
			for i := 0; i+1 < len(v); i += 2 {
				m[v[i]] = v[i+1]
			}
			return m
		},
		"ints": func(v ...int) []int { return v },
		"nan":  func() float64 { return math.NaN() },
		"inf":  func(sign int) float64 { return math.Inf(sign) },
		"vsum": func(v ...int) int {
			sum := 0
			for _, n := range v {
				sum += n
			}
			return sum
		},
		"pickn": func(s string, v ...any) any {
			if len(v) == 0 {
				return nil
			}
			return v[len(s)%len(v)]
		},
		"u64": func(v int) uint64 { return uint64(v) },
		"deep": func(n int) any {
			var v any = map[string]any{"x": n}
			for ; n > 0 && n < 50; n-- {
				v = map[string]any{"d": []any{v, n}}
			}
			return v
		},
		// Sprig's, in universal time.
		"sprig_toDate": func(layout, s string) time.Time {
			t, _ := time.ParseInLocation(layout, s, time.UTC)
			return t
		},
	}
}

// typed makes ints of {"$int": 5} and uint64s of {"$uint": 7}.
func typed(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for _, name := range []string{"$int", "$uint"} {
			if n, ok := x[name]; ok && len(x) == 1 {
				if i, ok := integer(n); ok {
					if name == "$int" {
						return int(i)
					}
					return uint64(i)
				}
			}
		}
		for k := range x {
			x[k] = typed(x[k])
		}
	case []any:
		for i := range x {
			x[i] = typed(x[i])
		}
	}
	return v
}

func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case float64:
		return int64(n), true
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	}
	return 0, false
}

func respond(r request) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{Err: []byte(fmt.Sprint(p)), Phase: "panic"}
		}
	}()
	var data any
	if len(r.Data) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(r.Data))
		if r.Mode == "number" {
			decoder.UseNumber()
		}
		if err := decoder.Decode(&data); err != nil {
			panic(err)
		}
		data = typed(data)
	}
	t := template.New("t").Funcs(functions()).Delims(r.Left, r.Right)
	if r.Missing != "" {
		t = t.Option("missingkey=" + r.Missing)
	}
	t, err := t.Parse(string(r.Template))
	if err != nil {
		return answer{Err: []byte(err.Error()), Phase: "parse"}
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return answer{Out: out.Bytes(), Err: []byte(err.Error()), Phase: "exec"}
	}
	return answer{Out: out.Bytes()}
}

// What methods are called on: the words of a template, and a value of the same type.
var receivers = []struct {
	words string
	value any
}{
	{`(sprig_toDate "2006-01-02" "2020-05-06")`, time.Time{}},
	{`(sprig_toDate "2006-01-02T15:04:05.999999999Z07:00" "1969-12-31T23:59:59.987654321Z")`, time.Time{}},
	{`(sprig_toDate "2006-01-02T15:04:05Z07:00" "2024-12-30T01:02:03+05:30")`, time.Time{}},
	{`(sprig_toDate "2006-01-02T15:04:05 MST" "2021-01-03T04:05:06 CET")`, time.Time{}},
	{`(sprig_toDate "2006-01-02" "no date")`, time.Time{}},
	{`((sprig_toDate "2006-01-02" "2020-02-29").AddDate 9000 0 0)`, time.Time{}},
	{`((sprig_toDate "2006-01-02" "2020-02-29").AddDate -2030 0 0)`, time.Time{}},
	{`(dur 0)`, time.Duration(0)},
	{`(dur 5430000000123)`, time.Duration(0)},
	{`(dur -1500000)`, time.Duration(0)},
	{`(dur -9223372036854775808)`, time.Duration(0)},
	{`(dur 9223372036854775807)`, time.Duration(0)},
	{`(month 3)`, time.Month(0)},
	{`(month 13)`, time.Month(0)},
	{`(sprig_toDate "2006-01-02" "2020-05-06").Weekday`, time.Weekday(0)},
	{`(sprig_toDate "2006-01-02" "2020-05-06").Location`, time.UTC},
	{`(sprig_toDate "2006-01-02T15:04:05Z07:00" "2024-12-30T01:02:03+05:30").Location`, time.UTC},
	{`(num "5432")`, json.Number("")},
	{`(num "-2.50")`, json.Number("")},
	{`(num "99999999999999999999")`, json.Number("")},
	{`(num "1e400")`, json.Number("")},
	{`(num "x")`, json.Number("")},
}

// What a parameter of a type is given.
var arguments = map[string][]string{
	"time.Time":      {`(sprig_toDate "2006-01-02" "2021-02-03")`, `(sprig_toDate "2006-01-02" "2020-05-06")`, `nil`},
	"time.Duration":  {`(dur 90000000000)`, `(dur 0)`, `-7`, `3600000000000`, `1.5`, `"1h"`},
	"string":         {`"2006-01-02 15:04:05.000 Mon Jan _2 -0700 MST"`, `""`, `"x"`, `5`},
	"int":            {`1`, `-14`, `40`, `1.0`, `"1"`},
	"[]uint8":        {`nil`, `(bytes "a")`, `"a"`},
	"*time.Location": {`(sprig_toDate "2006-01-02T15:04:05Z07:00" "2024-12-30T01:02:03-03:30").Location`, `nil`},
}

// takesMore says whether a method wants what no template has, as a writer of JSON.
func takesMore(t reflect.Type) bool {
	for j := 1; j < t.NumIn(); j++ {
		if arguments[t.In(j).String()] == nil {
			return true
		}
	}
	return false
}

// methods lists templates that call each method of each receiver with arguments of all kinds, too many and too few of them.
func methods() []string {
	all := []string{}
	for _, r := range receivers {
		call := func(words string) { all = append(all, "{{ "+words+" }}") }
		for _, verb := range []string{"v", "+v", "s", "q", "x", "T", "10v", "-40v|", ".3v"} {
			call(fmt.Sprintf("printf %q %s", "%"+verb, r.words))
		}
		if _, location := r.value.(*time.Location); !location {
			call(fmt.Sprintf("printf %q %s", "%#v", r.words))
			call(fmt.Sprintf("printf %q %s", "%t", r.words))
			call(fmt.Sprintf("printf %q (list %s)", "%#v", r.words))
		}
		call(r.words)
		call("list " + r.words + " 1")
		call("eq " + r.words + " " + r.words)
		call("len " + r.words)
		call("if " + r.words + " }}yes{{ end")
		call(r.words + ".Nope")
		call(r.words + ".wall")
		t := reflect.TypeOf(r.value)
		for i := 0; i < t.NumMethod(); i++ {
			m := t.Method(i)
			if takesMore(m.Type) {
				continue
			}
			of := r.words + "." + m.Name
			call(of)
			call(of + " 1 2 3 4")
			call("1 | " + of)
			call("printf `%T` (" + of + ")")
			given := [][]string{{}}
			for j := 1; j < m.Type.NumIn(); j++ {
				next := [][]string{}
				for k, word := range arguments[m.Type.In(j).String()] {
					for l, before := range given {
						// All of each parameter, but not all combinations.
						if k == 0 || l == 0 {
							next = append(next, append(append([]string{}, before...), word))
						}
					}
				}
				given = next
			}
			for _, words := range given {
				if len(words) > 0 {
					call(of + " " + strings.Join(words, " "))
				}
			}
		}
	}
	return all
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "methods" {
		if err := json.NewEncoder(os.Stdout).Encode(methods()); err != nil {
			fmt.Fprintln(os.Stderr, "templates:", err)
			os.Exit(1)
		}
		return
	}
	var requests []request
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		fmt.Fprintln(os.Stderr, "cases:", err)
		os.Exit(1)
	}
	answers := []answer{}
	for _, r := range requests {
		answers = append(answers, respond(r))
	}
	result := map[string]any{"function": fmt.Sprintf("%p", makeFunction()), "answers": answers}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fmt.Fprintln(os.Stderr, "answers:", err)
		os.Exit(1)
	}
}
