// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// errNoCredentials is returned where there are none at all.
var errNoCredentials = errors.New("there are no credentials: give a file (dir add --credentials), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")

// provider reads credentials from a file in the format of ~/.aws/credentials, or else from the
// environment. A file that changes is read again.
type provider struct {
	path string
	// read is the file that was read; nil before.
	read atomic.Pointer[os.FileInfo]
}

var _ credentials.Provider = (*provider)(nil)

// Retrieve implements credentials.Provider. Where the file is missing, the environment counts:
// a viewer on another machine has credentials of its own.
func (p *provider) Retrieve() (credentials.Value, error) {
	if p.path != "" {
		info, err := os.Stat(p.path)
		if err == nil {
			p.read.Store(&info)
			return p.fromFile()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return credentials.Value{}, fmt.Errorf("read credentials: %w", err)
		}
	}
	value, err := credentials.NewEnvAWS().GetWithContext(nil)
	if err == nil && value.AccessKeyID != "" && value.SecretAccessKey != "" {
		return value, nil
	}
	if p.path != "" {
		return credentials.Value{}, fmt.Errorf("read credentials: there is no file %s", p.path)
	}
	return credentials.Value{}, errNoCredentials
}

func (p *provider) fromFile() (credentials.Value, error) {
	value, err := credentials.NewFileAWSCredentials(p.path, "").GetWithContext(nil)
	if err != nil {
		return credentials.Value{}, fmt.Errorf("read credentials from %s: %w", p.path, err)
	}
	if value.AccessKeyID == "" || value.SecretAccessKey == "" {
		return credentials.Value{}, fmt.Errorf("read credentials from %s: it needs aws_access_key_id and aws_secret_access_key, below a line [default]", p.path)
	}
	return value, nil
}

// RetrieveWithCredContext implements credentials.Provider.
func (p *provider) RetrieveWithCredContext(*credentials.CredContext) (credentials.Value, error) {
	return p.Retrieve()
}

// IsExpired implements credentials.Provider.
func (p *provider) IsExpired() bool {
	if p.path == "" {
		return false
	}
	info, err := os.Stat(p.path)
	read := p.read.Load()
	// Two files may well have the same time, where one was renamed to the other soon after it
	// was written.
	return err == nil && (read == nil || !os.SameFile(info, *read) || !info.ModTime().Equal((*read).ModTime()))
}

// CheckCredentials fails where a file with credentials can be read by everybody.
func CheckCredentials(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read credentials: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return invalid("everybody can read the credentials in %s: run chmod 640 on it", path)
	}
	_, err = (&provider{path: path}).fromFile()
	return err
}
