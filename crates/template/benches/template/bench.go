// How long Go's own text/template takes for the cases that main.rs gives on the standard input.
//
//	bench MILLISECONDS ROUNDS <cases.json >times.json
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/template"
	"time"
)

type benchCase struct {
	Name     string `json:"name"`
	Template string `json:"template"`
	Data     string `json:"data"`
}

type times struct {
	Parse   float64 `json:"parse"`
	Execute float64 `json:"execute"`
	Output  string  `json:"output"`
}

// secret is what the function of that name answers.
type secret struct {
	LeaseDuration int
	Data          map[string]any
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func measure(limit time.Duration, rounds int, work func()) float64 {
	start := time.Now()
	work()
	once := max(time.Since(start), 100*time.Nanosecond)
	count := min(max(int(limit/once)/rounds, 1), 1_000_000)
	best := 0.0
	for range rounds {
		start := time.Now()
		for range count {
			work()
		}
		each := float64(time.Since(start).Nanoseconds()) / float64(count)
		if best == 0 || each < best {
			best = each
		}
	}
	return best
}

func main() {
	milliseconds, err := strconv.Atoi(os.Args[1])
	fail(err)
	rounds, err := strconv.Atoi(os.Args[2])
	fail(err)
	limit := time.Duration(milliseconds) * time.Millisecond
	var cases []benchCase
	fail(json.NewDecoder(os.Stdin).Decode(&cases))
	answers := []times{}
	for _, c := range cases {
		decoder := json.NewDecoder(bytes.NewReader([]byte(c.Data)))
		decoder.UseNumber()
		s := &secret{}
		fail(decoder.Decode(&s.Data))
		functions := template.FuncMap{"secret": func(string, ...string) (*secret, error) { return s, nil }}
		parse := func() *template.Template {
			return template.Must(template.New("t").Funcs(functions).Parse(c.Template))
		}
		parsed := parse()
		var out bytes.Buffer
		fail(parsed.Execute(&out, nil))
		answers = append(answers, times{
			Parse: measure(limit, rounds, func() { parse() }),
			Execute: measure(limit, rounds, func() {
				var b bytes.Buffer
				fail(parsed.Execute(&b, nil))
				_, _ = io.Discard.Write(b.Bytes())
			}),
			Output: out.String(),
		})
	}
	fail(json.NewEncoder(os.Stdout).Encode(answers))
}
