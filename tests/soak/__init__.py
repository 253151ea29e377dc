# SPDX-License-Identifier: Apache-2.0
"""A long run under churn: does what the agent holds stay flat, and is all counted?"""
