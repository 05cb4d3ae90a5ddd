// SPDX-License-Identifier: GPL-3.0-or-later

package notary

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestTimeStampSecrets ensures that an error about an authority names its host, and nothing of
// the address that may be secret.
func TestTimeStampSecrets(t *testing.T) {
	t.Parallel()
	answers := map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"babbles": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
		"sends elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://operator:secret@127.0.0.1:1/secret?key=secret", http.StatusTemporaryRedirect)
		},
	}
	for name, answer := range answers {
		server := httptest.NewServer(answer)
		host := strings.TrimPrefix(server.URL, "http://")
		_, err := requestTimeStamp(t.Context(), "http://operator:secret@"+host+"/secret?key=secret", []byte("x"))
		if err == nil || !strings.Contains(err.Error(), host) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "operator") {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
		if _, err = requestTimeStamp(t.Context(), "http://operator:secret@"+host+"/secret?key=secret", []byte("x")); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s, closed: %v", name, err)
		}
	}
}
