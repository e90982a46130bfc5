"""Webhooks to clients: from the event to its delivery.

command ──▶ emit ──▶ outbox ──due──▶ delivery worker ──POST──▶ the client's endpoint
             └ in the same commit       └ retries on the endpoint's retry schedule
"""
