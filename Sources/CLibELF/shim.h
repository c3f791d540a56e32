/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <gelf.h>
#include <libelf.h>
