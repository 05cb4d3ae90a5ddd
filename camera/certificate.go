// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// Certificate says how the certificate of a camera is verified. The zero value does not
// verify it: cameras sign their own.
type Certificate struct {
	// Roots says that it must be signed by an authority that this machine trusts, for
	// the host's name.
	Roots bool
	// Fingerprint, if not empty, is the SHA-256 that it must have.
	Fingerprint []byte
}

// certificateFragment begins the fragment of a URL that says how the certificate is verified.
// It is for us alone, and is not sent.
const certificateFragment = "#certificate="

var errCertificate = errors.New("a certificate is verified by roots, off, or the 64 hexadecimal digits of its SHA-256")

// parseCertificate reads "roots", "off", or a SHA-256.
func parseCertificate(text string) (c Certificate, err error) {
	switch text {
	case "roots":
		return Certificate{Roots: true}, nil
	case "off":
		return Certificate{}, nil
	}
	c.Fingerprint, err = hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil || len(c.Fingerprint) != sha256.Size {
		return Certificate{}, errCertificate
	}
	return c, nil
}

// CertificateOf parts a URL from what it says about the certificate; said is false if that is
// nothing.
func CertificateOf(rawURL string) (plain string, c Certificate, said bool, err error) {
	plain, text, said := strings.Cut(rawURL, certificateFragment)
	if !said {
		return rawURL, Certificate{}, false, nil
	}
	c, err = parseCertificate(text)
	return plain, c, true, err
}

// WithCertificate returns the URL that says how the certificate is verified: "roots" by the
// authorities that this machine trusts, "off" not at all, or a SHA-256 in hexadecimal, which
// it must have.
func WithCertificate(rawURL, how string) (string, error) {
	if _, err := parseCertificate(how); err != nil {
		return "", err
	}
	plain, _, _ := strings.Cut(rawURL, certificateFragment)
	return plain + certificateFragment + how, nil
}
