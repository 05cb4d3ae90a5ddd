// SPDX-License-Identifier: GPL-3.0-or-later

package objectstore

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Bucket is the one that a store has.
const Bucket = "footage"

// The key that a store knows.
const (
	accessKey = "TESTKEY"
	secretKey = "testsecretoftests"
)

// Store is an object store that is empty, behind a proxy.
type Store struct {
	*Proxy
	// URL is that of a directory in its bucket.
	URL string
	objects
}

// objects are those of a bucket, seen from behind.
type objects interface {
	keys() ([]string, error)
	change(key string, change func([]byte) []byte) error
	remove(key string) error
}

// Start starts a store, which ends with the test.
func Start(t testing.TB) *Store {
	t.Helper()
	s := &Store{}
	if program := os.Getenv(versityVariable); program != "" {
		handler, bucket := startVersity(t, program)
		s.Proxy, s.objects = NewProxy(handler), files{bucket}
	} else if program := os.Getenv(seaweedVariable); program != "" {
		handler, bucket := startSeaweed(t, program)
		s.Proxy, s.objects = NewProxy(handler), served{bucket}
	} else {
		backend := s3mem.New()
		if err := backend.CreateBucket(Bucket); err != nil {
			t.Fatal(err)
		}
		s.Proxy, s.objects = NewProxy(gofakes3.New(backend).Server()), memory{backend}
	}
	server := httptest.NewUnstartedServer(s.Proxy)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of answers that end early
	server.Start()
	t.Cleanup(func() {
		s.Set(None)
		server.Close()
	})
	s.URL = server.URL + "/" + Bucket + "/home"
	return s
}

// Objects lists the keys of all objects.
func (s *Store) Objects(t testing.TB) []string {
	t.Helper()
	keys, err := s.keys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Spoil changes a byte of an object, whose checksums stay.
func (s *Store) Spoil(t testing.TB, key string) {
	t.Helper()
	err := s.change(key, func(data []byte) []byte {
		data[len(data)/2] ^= 1
		return data
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Truncate takes a byte off an object, whose checksums stay.
func (s *Store) Truncate(t testing.TB, key string) {
	t.Helper()
	if err := s.change(key, func(data []byte) []byte { return data[:len(data)-1] }); err != nil {
		t.Fatal(err)
	}
}

// Remove removes an object.
func (s *Store) Remove(t testing.TB, key string) {
	t.Helper()
	if err := s.remove(key); err != nil {
		t.Fatal(err)
	}
}

// Environment has the key in variables, for a machine without that file.
func Environment() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey}
}

// Credentials writes a file with an access key, and returns its path.
func Credentials(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	text := "[default]\naws_access_key_id = " + accessKey + "\naws_secret_access_key = " + secretKey + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
