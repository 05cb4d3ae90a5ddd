// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// table collects what the tests have found out, as it is to be in
// design/faults.md.
type table struct {
	mu   sync.Mutex // guards rows
	rows []string
}

var results table

// outcome is what became of the tries of one fault.
type outcome struct {
	fault        string
	tries, clean int
	// slowest is the longest time until all cameras were recorded again.
	slowest time.Duration
	note    string
}

func (r *table) add(o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, fmt.Sprintf("| %s | %d | %d | %.1f s | %s |",
		o.fault, o.tries, o.clean, o.slowest.Seconds(), o.note))
}

func (r *table) print() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rows) == 0 || !testing.Verbose() {
		return
	}
	fmt.Println("\n| fault | tries | clean | slowest restart | |\n|---|---|---|---|---|")
	for _, row := range r.rows {
		fmt.Println(row)
	}
}
