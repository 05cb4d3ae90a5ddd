// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"aead.dev/minisign"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/proof"
	"github.com/moonfirefs/moonfirefs/proof/verify"
)

// verifyFlags are the flags of verify.
type verifyFlags struct{ proof, key, roots string }

func newVerifyCommand() *cobra.Command {
	f := &verifyFlags{}
	cmd := &cobra.Command{
		Use:   "verify FILE.mp4",
		Short: "Verify a file of footage by its proof, without a store",
		Long: `Compares a file, from a mount or an export, with its proof and says which pictures in
it, from which camera and of which time, are unchanged since the recorder signed them.

The proof lies beside the file: HOUR.proof.json in a mount, or what "moonfirefs export"
has written. The key is the recorder's public key, which you should have from somebody
you trust: a text that begins with RW, or a file.

Exit status: 0 if the file is unchanged, 1 if it does not fit its proof or the proof does
not fit the key, 2 if that could not be found out.`,
		Example: `  moonfirefs verify burglary.mp4 --key RWQ…
  moonfirefs verify 13.mp4 --proof 13.proof.json --key recorder.pub`,
		Args: asUsage(needs("FILE.mp4")),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.key == "" {
				return &usageError{errors.New("--key is missing: the public key of the recorder, or a file that has it")}
			}
			return f.verify(cmd, args[0])
		},
	}
	cmd.Flags().StringVar(&f.proof, "proof", "", "the proof (default: beside the file)")
	cmd.Flags().StringVar(&f.key, "key", "", "the recorder's public key, or a file that has it (required)")
	cmd.Flags().StringVar(&f.roots, "tsa-roots", "", "file of the certificates (PEM) by which time stamps are to be trusted")
	return cmd
}

func (f *verifyFlags) verify(cmd *cobra.Command, path string) error {
	report, key, err := f.compare(cmd, path)
	if errors.Is(err, proof.ErrSignature) || errors.Is(err, proof.ErrDocument) {
		return &statusError{fmt.Errorf("NOT PROVEN: %w", err), exitFailure}
	}
	if err != nil {
		return &statusError{err, exitUnchecked}
	}
	report.Folder = printable.Text(report.Folder)
	for line := range strings.Lines(report.Text(key.ID())) {
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), printable.Text(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	stampErr := f.stamps(cmd, report)
	if !report.Unchanged() {
		return &statusError{fmt.Errorf("%s does not fit its proof", path), exitFailure}
	}
	return stampErr
}

func (f *verifyFlags) compare(cmd *cobra.Command, path string) (*verify.Report, minisign.PublicKey, error) {
	key, err := readPublicKey(f.key)
	if err != nil {
		return nil, key, err
	}
	if f.proof == "" {
		f.proof = proofPath(path)
	}
	document, err := readProof(f.proof)
	if err != nil {
		return nil, key, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, key, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, key, err
	}
	if !info.Mode().IsRegular() {
		return nil, key, fmt.Errorf("%s is not a regular file", path)
	}
	report, err := verify.File(cmd.Context(), file, info.Size(), document, key)
	return report, key, err
}

func readProof(path string) (*proof.Document, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return proof.Decode(file)
}

// readPublicKey takes the text of a key, or a file that has it as minisign writes it.
func readPublicKey(text string) (key minisign.PublicKey, err error) {
	if key.UnmarshalText([]byte(strings.TrimSpace(text))) == nil {
		return key, nil
	}
	data, err := os.ReadFile(text)
	if errors.Is(err, fs.ErrNotExist) {
		return key, &usageError{fmt.Errorf("--key %s: neither a public key nor a file", text)}
	}
	if err == nil {
		err = key.UnmarshalText(data)
	}
	if err != nil {
		return key, fmt.Errorf("--key %s: %w", text, err)
	}
	return key, nil
}

// stamps tells of the time stamps.
func (f *verifyFlags) stamps(cmd *cobra.Command, report *verify.Report) error {
	var roots *x509.CertPool
	if f.roots != "" {
		text, err := os.ReadFile(f.roots)
		if err != nil {
			return err
		}
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return fmt.Errorf("--tsa-roots %s: it has no certificate", f.roots)
		}
	}
	for _, s := range report.Signed {
		if len(s.TimeStamp) == 0 {
			continue
		}
		stamp, err := s.VerifyTimeStamp(roots)
		if err != nil {
			return &statusError{fmt.Errorf("NOT PROVEN: %w", err), exitFailure}
		}
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), printable.Text(report.TimeStamp(stamp, roots != nil))); err != nil {
			return err
		}
	}
	return nil
}
