"""The paper's variants (5.1, 5.5) trained under one budget and scored side by side."""
