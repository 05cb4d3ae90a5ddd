// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"testing"
	"time"
)

// TestAnyKeepAliveIsEnough ensures that each method is sent before the session is over,
// since a camera may take only one of them for a sign of life, whatever it answers.
func TestAnyKeepAliveIsEnough(t *testing.T) {
	tests := map[string]struct {
		public  []string
		methods []string
	}{
		"announces nothing":  {nil, []string{"OPTIONS", "GET_PARAMETER"}},
		"GET_PARAMETER":      {[]string{"OPTIONS", "GET_PARAMETER"}, []string{"OPTIONS", "GET_PARAMETER"}},
		"SET_PARAMETER":      {[]string{"OPTIONS", "SET_PARAMETER"}, []string{"OPTIONS", "GET_PARAMETER", "SET_PARAMETER"}},
		"all, and then more": {[]string{"OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE"}, []string{"OPTIONS", "GET_PARAMETER", "SET_PARAMETER"}},
	}
	for name, test := range tests {
		for _, timeout := range []time.Duration{time.Second, 10 * time.Second, 20 * time.Second, time.Minute, 5 * time.Minute} {
			k := &keepAlive{}
			began := time.Now()
			k.start(timeout, test.public, nil, began)
			last := make(map[string]time.Time)
			for _, method := range test.methods {
				last[method] = began
			}
			for at := began; at.Before(began.Add(5 * timeout)); at = at.Add(50 * time.Millisecond) {
				method := k.due(at)
				if method != "" {
					last[method] = at
				}
				for _, method := range test.methods {
					if silent := at.Sub(last[method]); silent > timeout*9/10 {
						t.Fatalf("%s, timeout of %v: no %s for %v", name, timeout, method, silent)
					}
				}
			}
		}
	}
}
