-- SPDX-License-Identifier: GPL-3.0-or-later

-- Version 4 has retention by time beside retention by size.

alter table stream add column retain_for_90k integer not null default 0 check (retain_for_90k >= 0);
