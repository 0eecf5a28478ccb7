// What Go's text/template itself answers.
//
//	go run oracle.go <cases.json >answers.json
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
	"os"
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
		"list":   func(v ...any) []any { return v },
		"strs":   func(v ...string) []string { return v },
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
		"bytes":  func(s string) []byte { b := []byte(s); return b[:len(b):len(b)] },
		"ident":  func(v any) any { return v },
		"u":      func(v int) uint { return uint(v) },
		"i64":    func(v int) int64 { return int64(v) },
		"i8":     func(v int) int8 { return int8(v) },
		"dur":    func(v int) time.Duration { return time.Duration(v) },
		"month":  func(v int) time.Month { return time.Month(v) },
		"num":    func(s string) json.Number { return json.Number(s) },
		"fl":     func(f float64) float64 { return f },
		"bl":     func(b bool) bool { return b },
		"smap": func(v ...string) map[string]string {
			m := map[string]string{}
			for i := 0; i+1 < len(v); i += 2 {
				m[v[i]] = v[i+1]
			}
			return m
		},
		"ints": func(v ...int) []int { return v },
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

func main() {
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
