# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests and the benchmark share: real servers, exact byte control, and Subfloor itself as a child."""
